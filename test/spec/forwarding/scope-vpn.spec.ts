// SPDX-License-Identifier: GPL-2.0-only
// The router program between clients and a server: IKE and ESP are its own, all else stays with the kernel.

import { esp, icmpEcho, icmpError, ike, ipv4, udp, wrongChecksums } from "../frame";
import { destinationOf, espOn, icmpOf, isEsp, isIcmpError, number16, quotedBy, sourceOf, udpTo } from "./packet-match";
import { RouterProcess } from "./router-process";
import { CLIENT_1, CLIENT_2, GATEWAY, OTHER_SERVER, ROUTER_WAN, SERVER, Site } from "./site";

describe("the router in scope vpn", () => {
  let site: Site;
  let router: RouterProcess;

  setup(() => {
    site = new Site();
    site.router.shell("sysctl -qw net.ipv4.ip_forward=1");
    site.router.shell(
      "nft 'table ip nat { chain out { type nat hook postrouting priority srcnat; oif wan0 masquerade; }; }'",
    );
    router = new RouterProcess(site.router).start();
  });

  teardown(() => {
    router.remove();
    site.close();
  });

  before_each(() => {
    for (const station of [...site.clients, site.server]) station.clear();
  });

  it("takes two clients' ESP to one server both ways", () => {
    const [first, second] = site.clients;
    const epochs = [
      { client: first, address: CLIENT_1, out: 0x1001, back: 0x2001 },
      { client: second, address: CLIENT_2, out: 0x1002, back: 0x2002 },
    ];
    for (const { client, address, out, back } of epochs) {
      client.send(ipv4({ from: address, to: SERVER, carrying: esp({ spi: out }) }));
      const there = site.server.expect(espOn(out));
      assert.equal(ROUTER_WAN, sourceOf(there));
      assert.same([], wrongChecksums(there));
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: back }) }));
      const here = client.expect(espOn(back));
      assert.equal(address, destinationOf(here));
      assert.same([], wrongChecksums(here));
    }
    for (const { client, back } of epochs) {
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: back, sequence: 2 }) }));
      client.expect(espOn(back));
    }
  });

  it("holds the second client's first packet until the first client is answered", () => {
    const [first, second] = site.clients;
    first.send(ipv4({ from: CLIENT_1, to: OTHER_SERVER, carrying: esp({ spi: 0x3001 }) }));
    site.server.expect(espOn(0x3001));
    second.send(ipv4({ from: CLIENT_2, to: OTHER_SERVER, carrying: esp({ spi: 0x3002 }) }));
    assert.is_true(site.server.isSpared(espOn(0x3002)));
    assert.equal(1, router.status().held_packets);
    site.server.send(ipv4({ from: OTHER_SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x4001 }) }));
    first.expect(espOn(0x4001));
    site.server.expect(espOn(0x3002));
  });

  it("keeps UDP 500 at both ends for two IKE sessions with one server", () => {
    const sessions = [
      { client: site.clients[0], address: CLIENT_1, initiator: "1111111111111111", responder: "aaaaaaaaaaaaaaaa" },
      { client: site.clients[1], address: CLIENT_2, initiator: "2222222222222222", responder: "bbbbbbbbbbbbbbbb" },
    ];
    for (const { client, address, initiator } of sessions) {
      client.send(ipv4({ from: address, to: SERVER, carrying: ike({ initiatorCookie: initiator }) }));
      const request = site.server.expect(udpTo(500));
      assert.equal(500, number16(request, 20));
      assert.same([], wrongChecksums(request));
    }
    for (const { client, initiator, responder } of sessions) {
      const answer = ike({ initiatorCookie: initiator, responderCookie: responder, flags: 0x20 });
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: answer }));
      const here = client.expect(udpTo(500));
      assert.equal(client.address, destinationOf(here));
      assert.same([], wrongChecksums(here));
    }
  });

  it("lets the kernel neither answer, nor track, nor forward what is its own", () => {
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence: 9 }) }));
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: ike({ initiatorCookie: "1111111111111111" }) }));
    site.server.expect(espOn(0x1001));
    site.server.expect(udpTo(500));
    assert.is_true(
      site.server.isSpared((packet) => isEsp(packet) || udpTo(500)(packet)),
      "a second copy",
    );
    // Nobody owns these: were they the kernel's, it would answer "protocol unreachable" and "port unreachable".
    site.server.send(ipv4({ from: "203.0.113.99", to: ROUTER_WAN, carrying: esp({ spi: 0x7777 }) }));
    site.server.send(
      ipv4({ from: "203.0.113.99", to: ROUTER_WAN, carrying: ike({ initiatorCookie: "7777777777777777" }) }),
    );
    assert.is_true(site.server.isSpared(isIcmpError), "an answer");
    assert.is_true(client.isSpared(isIcmpError), "an answer");
    const tracked = site.router.output("cat /proc/net/nf_conntrack");
    assert.is_nil(string.find(tracked, "unknown  50", 1, true)[0], tracked);
    assert.is_nil(string.find(tracked, "port=500 ", 1, true)[0], tracked);
  });

  it("leaves ping, UDP 4500 and TCP to the kernel's own masquerade", () => {
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: icmpEcho({ identifier: 77 }) }));
    client.expect(icmpOf(0));
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: udp({ fromPort: 4500, toPort: 4500 }) }));
    const natTraversal = site.server.expect(udpTo(4500));
    assert.equal(ROUTER_WAN, sourceOf(natTraversal));
    const tracked = site.router.output("cat /proc/net/nf_conntrack");
    assert.is_not_nil(string.find(tracked, "dport=4500", 1, true)[0], tracked);
    assert.equal(0, router.counted("not-ours"), "frames that the socket filter should have kept out");
  });

  it("gives an ICMP error about ESP to the client whose packet it was", () => {
    const [first, second] = site.clients;
    second.send(ipv4({ from: CLIENT_2, to: SERVER, carrying: esp({ spi: 0x1002, sequence: 7 }) }));
    const about = site.server.expect(espOn(0x1002));
    const error = icmpError({ about, nextHopMtuBytes: 1300, quotedBytes: 28 });
    site.server.send(ipv4({ from: GATEWAY, to: ROUTER_WAN, carrying: error }));
    const here = second.expect(icmpOf(3, 4));
    assert.equal(1300, number16(here, 26));
    assert.equal(CLIENT_2, sourceOf(quotedBy(here)));
    assert.same([], wrongChecksums(here));
    assert.is_true(first.isSpared(isIcmpError));
  });
});
