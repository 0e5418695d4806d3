// SPDX-License-Identifier: GPL-2.0-only
// Next hops whose hardware address is not known when the first packet comes: packets wait, in bounds, and not forever.

import { esp, ipv4, type Octets } from "../frame";
import { espOn, icmpOf, quotedBy, sourceOf } from "./packet-match";
import { RouterProcess, waitUntil } from "./router-process";
import { CLIENT_1, GATEWAY, ROUTER_LAN, ROUTER_WAN, SERVER, Site } from "./site";

/** hold-queue.ts: packets held under one key. */
const HELD_MAX = 50;
/** Where the server moves to. */
const NEW_ADDRESS = [2, 0, 0, 0, 0, 0x99];
/** Long for an event of the kernel, and a fraction of the time after which anybody asks. */
const AT_ONCE_MS = 500;

describe("a router that must ask for hardware addresses", () => {
  let site: Site;
  let router: RouterProcess;

  before_each(() => {
    site = new Site();
    router = new RouterProcess(site.router).start();
  });

  after_each(() => {
    router.remove();
    site.close();
  });

  const send = (spi: number, to = SERVER): void => {
    site.clients[0].send(ipv4({ from: CLIENT_1, to, carrying: esp({ spi }) }));
  };

  it("loses no first packet to a gateway that was never asked for", () => {
    site.router.shell("ip neigh flush all");
    send(0x1001);
    site.server.expect(espOn(0x1001));
  });

  it("delivers what waited, in order, when a neighbour appears late", () => {
    site.server.namespace.ip("link set eth0 arp off");
    for (const spi of [0x1001, 0x1002, 0x1003]) send(spi);
    assert.is_true(site.server.isSpared(espOn(0x1001)));
    assert.is_true(waitUntil(() => router.status().held_packets === 3));
    site.server.namespace.ip("link set eth0 arp on");
    for (const spi of [0x1001, 0x1002, 0x1003]) site.server.expect(espOn(spi));
    assert.equal(0, router.status().held_packets);
  });

  it("asks again at once when an address that it used is forgotten", () => {
    send(0x1001);
    site.server.expect(espOn(0x1001));
    site.router.shell("ip neigh flush dev wan0");
    send(0x1001);
    site.server.expect(espOn(0x1001));
  });

  it("uses a gateway's new hardware address", () => {
    send(0x1001);
    site.server.expect(espOn(0x1001));
    site.server.namespace.ip("link set eth0 down", "link set eth0 address 02:00:00:00:00:99", "link set eth0 up");
    site.router.ip(`neigh replace ${GATEWAY} dev wan0 lladdr 02:00:00:00:00:99`);
    send(0x1001);
    site.server.expect(espOn(0x1001));
  });

  /** Whether a packet that the client sends comes to the server by this hardware address. */
  const arrivesBy = (hardwareAddress: Octets, timeoutMs: number): boolean =>
    waitUntil(() => {
      send(0x1001);
      site.server.expect(espOn(0x1001));
      return site.server.lastDestination().join() === hardwareAddress.join();
    }, timeoutMs);

  it("uses a neighbour's new hardware address as soon as that announces itself, by gratuitous ARP", () => {
    send(0x1001);
    site.server.expect(espOn(0x1001));
    site.server.namespace.shell("sysctl -qw net.ipv4.conf.eth0.arp_notify=1");
    site.server.namespace.ip("link set eth0 address 02:00:00:00:00:99");
    assert.is_true(arrivesBy(NEW_ADDRESS, AT_ONCE_MS));
  });

  it("does so when a neighbour with a new hardware address asks for the router's, as one must that took over", () => {
    send(0x1001);
    site.server.expect(espOn(0x1001));
    // As a gateway does, which asks in its own name for what it forwards.
    site.server.namespace.shell("sysctl -qw net.ipv4.conf.eth0.arp_announce=2");
    site.server.namespace.ip("link set eth0 address 02:00:00:00:00:99", "neigh flush dev eth0");
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 }) }));
    assert.is_true(arrivesBy(NEW_ADDRESS, AT_ONCE_MS));
  });

  it("tells the sender when a neighbour never answers, holds few packets for it, and finds it when it comes", () => {
    const absent = "198.51.100.9";
    for (const spi of $range(0x1000, 0x1000 + HELD_MAX + 3)) send(spi, absent);
    assert.is_true(waitUntil(() => router.counted("hold-full") === 4));
    assert.equal(HELD_MAX, router.status().held_packets);
    const error = site.clients[0].expect(icmpOf(3, 1), 6000);
    assert.equal(ROUTER_LAN, sourceOf(error));
    assert.equal(CLIENT_1, sourceOf(quotedBy(error)));
    assert.is_true(waitUntil(() => router.status().held_packets === 0));
    site.server.namespace.ip(`addr add ${absent}/24 dev eth0`);
    const isBack = waitUntil(() => {
      send(0x1000, absent);
      return site.server.next(espOn(0x1000), 200) !== undefined;
    });
    assert.is_true(isBack);
  });

  it("asks for a client that it has never heard of", () => {
    send(0x1001);
    site.server.expect(espOn(0x1001));
    site.router.shell("ip neigh flush all");
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 }) }));
    site.clients[0].expect(espOn(0x2001));
  });
});
