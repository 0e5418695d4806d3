// SPDX-License-Identifier: GPL-2.0-only
// The router program as a whole router: TCP, UDP and ICMP too, with the kernel's forwarding off.

import { counting, esp, fragmentsOf, icmpEcho, icmpError, ipv4, type Octets, udp, wrongChecksums } from "../frame";
import {
  destinationOf,
  espOn,
  icmpOf,
  isFragment,
  isIcmpError,
  number16,
  quotedBy,
  sourceOf,
  udpTo,
} from "./packet-match";
import { transfer } from "./bulk-transfer";
import type { Namespace } from "./namespace";
import { RouterProcess, waitUntil } from "./router-process";
import { CLIENT_1, CLIENT_2, ROUTER_LAN, ROUTER_WAN, SERVER, Site } from "./site";
import { Station } from "./station";

/** A port of the router's own services, among those that clients get. */
const OWN_PORT = 5300;
const BULK_BYTES = 20 * 1024 * 1024;

/** The echo replies that a namespace's kernel took in. */
function echoRepliesOf(namespace: Namespace): number {
  const column = `awk '/^Icmp:/ { for (i = 1; i <= NF; i++) { if ($i == "InEchoReps") c = i }; n = $c } END { print n }'`;
  return tonumber(namespace.output(`${column} /proc/net/snmp`)) ?? 0;
}

describe("the router in scope all", () => {
  let site: Site;
  let router: RouterProcess;

  setup(() => {
    site = new Site();
    router = new RouterProcess(site.router, { scope: "all", own_ports: { udp: [OWN_PORT] } }).start();
  });

  teardown(() => {
    router.remove();
    site.close();
  });

  before_each(() => {
    for (const station of [...site.clients, site.server]) station.clear();
  });

  /** A datagram of the first client to the server, and how the server saw it. */
  function open(fromPort: number, toPort: number): Octets {
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: udp({ fromPort, toPort }) }));
    return site.server.expect(udpTo(toPort));
  }

  it("translates UDP and lets the answer in", () => {
    const there = open(4001, 9001);
    assert.equal(ROUTER_WAN, sourceOf(there));
    assert.same([], wrongChecksums(there));
    const carrying = udp({ fromPort: 9001, toPort: number16(there, 20), payload: counting(33) });
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying }));
    const here = site.clients[0].expect(udpTo(4001));
    assert.equal(CLIENT_1, destinationOf(here));
    assert.same([], wrongChecksums(here));
  });

  it("translates pings of two clients with the same identifier", () => {
    for (const client of site.clients) {
      client.send(ipv4({ from: client.address, to: SERVER, carrying: icmpEcho({ identifier: 7 }) }));
    }
    for (const client of site.clients) {
      const reply = client.expect(icmpOf(0));
      assert.equal(7, number16(reply, 24));
      assert.same([], wrongChecksums(reply));
    }
  });

  it("carries 20 MB of TCP in large frames with unfinished checksums, each way, unharmed", () => {
    const hosts = { client: site.clients[0].namespace, server: site.server.namespace, address: SERVER };
    const before = router.status();
    assert.is_nil(transfer({ ...hosts, port: 7001, totalBytes: BULK_BYTES, direction: "up" }));
    assert.is_nil(transfer({ ...hosts, port: 7002, totalBytes: BULK_BYTES, direction: "down" }));
    const { lan, wan } = router.status();
    // Of a burst that is longer than the queue for large frames, TCP sends a few again.
    assert.is_true(router.counted("frame-too-large") < (lan.frames_in + wan.frames_in) / 10);
    // Far fewer frames than packets of 1448 bytes: they stayed large.
    assert.is_true(lan.bytes_in - before.lan.bytes_in > BULK_BYTES);
    assert.is_true(wan.bytes_in - before.wan.bytes_in > BULK_BYTES);
    assert.is_true(lan.frames_in + wan.frames_in < BULK_BYTES / 1448, `${lan.frames_in} and ${wan.frames_in} frames`);
  });

  it("turns a packet between two clients round at its own address", () => {
    const [first, second] = site.clients;
    const port = number16(open(4002, 9002), 20);
    second.send(ipv4({ from: CLIENT_2, to: SERVER, carrying: udp({ fromPort: 4003, toPort: 9003 }) }));
    site.server.expect(udpTo(9003));
    second.send(ipv4({ from: CLIENT_2, to: ROUTER_WAN, carrying: udp({ fromPort: 4003, toPort: port }) }));
    first.send(ipv4({ from: CLIENT_1, to: ROUTER_WAN, carrying: udp({ fromPort: 4002, toPort: 4003 }) }));
    second.send(ipv4({ from: CLIENT_2, to: ROUTER_WAN, carrying: udp({ fromPort: 4003, toPort: port }) }));
    const here = first.expect(udpTo(4002));
    assert.equal(ROUTER_WAN, sourceOf(here));
    assert.same([], wrongChecksums(here));
  });

  it("answers a client whose packet's time to live ends at the router", () => {
    const [client] = site.clients;
    const probe = ipv4({ from: CLIENT_1, to: SERVER, timeToLive: 1, carrying: udp({ fromPort: 4004, toPort: 33434 }) });
    client.send(probe);
    const answer = client.expect(icmpOf(11, 0));
    assert.equal(ROUTER_LAN, sourceOf(answer));
    assert.same([], wrongChecksums(answer));
    assert.same(probe.slice(0, 28), quotedBy(answer).slice(0, 28));
  });

  it("gives a port unreachable from beyond to the right client with the packet as it was sent", () => {
    const [, second] = site.clients;
    open(4005, 9005);
    second.send(ipv4({ from: CLIENT_2, to: SERVER, carrying: udp({ fromPort: 4005, toPort: 9005 }) }));
    const there = site.server.expect(udpTo(9005));
    assert.not_equal(4005, number16(there, 20));
    second.clear();
    const carrying = icmpError({ about: there, code: 3 });
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying }));
    const error = second.expect(icmpOf(3, 3));
    assert.equal(CLIENT_2, sourceOf(quotedBy(error)));
    assert.equal(4005, number16(quotedBy(error), 20));
    assert.same([], wrongChecksums(error));
  });

  it("passes a large datagram's fragments in any order", () => {
    const [client] = site.clients;
    const datagram = ipv4({
      from: CLIENT_1,
      to: SERVER,
      identification: 77,
      carrying: udp({ fromPort: 4006, toPort: 9006, payload: counting(3000) }),
    });
    for (const fragment of fragmentsOf(datagram, 1480).reverse()) client.send(fragment);
    const offsets = [1, 2, 3].map(() => number16(site.server.expect(isFragment), 6) & 0x1fff);
    assert.same(
      [0, 185, 370],
      offsets.sort((one, other) => one - other),
    );
  });

  it("leaves the router's own services and its own pings to the kernel", () => {
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: ROUTER_LAN, carrying: icmpEcho({ identifier: 5 }) }));
    client.expect(icmpOf(0));
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: icmpEcho({ identifier: 6 }) }));
    site.server.expect(icmpOf(0));
    // Nothing listens on that port: that the kernel says so shows that it has got the packet.
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: udp({ fromPort: 5555, toPort: OWN_PORT }) }));
    site.server.expect(icmpOf(3, 3));
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: udp({ fromPort: 5555, toPort: 5353 }) }));
    assert.is_true(site.server.isSpared(isIcmpError));
    const own = { client: site.router, server: site.server.namespace, address: SERVER, port: 7003 };
    assert.is_nil(transfer({ ...own, totalBytes: 100000, direction: "up" }));
  });

  it("gives no client the port of a service of its own", () => {
    const there = open(OWN_PORT, 9007);
    assert.not_equal(OWN_PORT, number16(there, 20));
  });

  it("leaves the answers to the router's own pings to the kernel", () => {
    const before = echoRepliesOf(site.router);
    const host = new Station(site.router, ROUTER_WAN);
    host.send(ipv4({ from: ROUTER_WAN, to: SERVER, carrying: icmpEcho({ identifier: 9 }) }));
    host.expect(icmpOf(0));
    host.close();
    assert.is_true(waitUntil(() => echoRepliesOf(site.router) === before + 1));
  });

  it("takes ESP as well", () => {
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x5001 }) }));
    site.server.expect(espOn(0x5001));
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x5002 }) }));
    client.expect(espOn(0x5002));
  });
});
