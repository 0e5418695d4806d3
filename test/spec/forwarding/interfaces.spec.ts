// SPDX-License-Identifier: GPL-2.0-only
// Interfaces that appear, change and go while the router runs: it follows, and says what it waits for.

import { esp, ipv4, type Octets } from "../frame";
import { espOn, sourceOf } from "./packet-match";
import { RouterProcess, waitUntil } from "./router-process";
import { CLIENT_1, GATEWAY, ROUTER_WAN, SERVER, Site } from "./site";

describe("a router whose interfaces change", () => {
  let site: Site;
  let router: RouterProcess;
  let spi = 0x100;

  after_each(() => {
    router.remove();
    site.close();
  });

  function begin(options: { withoutWan?: boolean } = {}): void {
    site = new Site(options);
    router = new RouterProcess(site.router);
  }

  /** One ESP packet of the first client and its answer; the packet as the server saw it, undefined when it was lost. */
  function exchange(wanAddress = ROUTER_WAN): Octets | undefined {
    const [client] = site.clients;
    spi += 1;
    const mine = spi;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: mine }) }));
    const there = site.server.next(espOn(mine), 500);
    if (there === undefined) return undefined;
    site.server.send(ipv4({ from: SERVER, to: wanAddress, carrying: esp({ spi: mine + 0x10000 }) }));
    client.expect(espOn(mine + 0x10000));
    return there;
  }

  /** After a change, the first packets may be lost; soon one passes. */
  function recovers(wanAddress = ROUTER_WAN): boolean {
    return waitUntil(() => exchange(wanAddress) !== undefined);
  }

  it("waits for a WAN interface that is missing at the start", () => {
    begin({ withoutWan: true });
    router.start();
    assert.is_true(router.waitForLog("wan0: there is no such interface; waiting for it"));
    assert.is_false(router.status().wan.present);
    site.plugWan();
    assert.is_true(recovers());
    assert.is_true(router.waitForLog(`the clients' address is ${ROUTER_WAN}`));
  });

  it("waits for a LAN interface that is missing at the start", () => {
    begin();
    site.router.ip("link set lan0 down", "link set lan0 name other");
    router.start();
    assert.is_true(router.waitForLog("lan0: there is no such interface; waiting for it"));
    site.router.ip("link set other name lan0", "link set lan0 up");
    assert.is_true(recovers());
  });

  it("goes on when the WAN goes away and comes back as another one, and so do the kernel's rules", () => {
    begin();
    router.start();
    assert.is_not_nil(exchange());
    for (const _ of $range(1, 2)) {
      site.router.ip("link delete wan0");
      site.plugWan();
      assert.is_true(recovers());
      const rules = site.router.output("nft list table netdev vpnmasq");
      assert.is_not_nil(string.find(rules, 'device "wan0"', 1, true)[0], rules);
    }
  });

  it("goes on when links go down and up, slowly or in a moment", () => {
    begin();
    router.start();
    assert.is_not_nil(exchange());
    const wanUp = ["link set wan0 up", `route add default via ${GATEWAY}`];
    site.router.ip("link set wan0 down");
    assert.is_true(router.waitForLog("wan0: the interface is down"));
    site.router.ip(...wanUp);
    assert.is_true(recovers());
    site.router.ip("link set wan0 down", ...wanUp);
    assert.is_true(recovers());
    site.router.ip("link set lan0 down", "link set lan0 up");
    assert.is_true(recovers());
    const before = cpuTicks();
    site.router.shell("sleep 0.3");
    assert.is_true(cpuTicks() - before < 15, "it does not wait but spins");
  });

  it("takes a new WAN address at once, and does without one until it comes", () => {
    begin();
    router.start();
    assert.is_not_nil(exchange());
    const gateway = `route replace default via ${GATEWAY}`;
    site.router.ip(`addr del ${ROUTER_WAN}/24 dev wan0`, "addr add 198.51.100.77/24 dev wan0", gateway);
    assert.is_true(recovers("198.51.100.77"), router.log());
    assert.equal("198.51.100.77", sourceOf(exchange("198.51.100.77")!));
    site.router.ip("addr del 198.51.100.77/24 dev wan0");
    assert.is_true(router.waitForLog("wan0: no IPv4 address yet"));
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x101 }) }));
    assert.is_true(waitUntil(() => router.counted("link-down") > 0));
    site.router.ip(`addr add ${ROUTER_WAN}/24 dev wan0`, gateway);
    assert.is_true(recovers());
    assert.equal(ROUTER_WAN, sourceOf(exchange()!));
  });

  it("follows a new MTU of the WAN", () => {
    begin();
    router.start();
    assert.equal(1500, router.status().wan.mtu_bytes);
    site.router.ip("link set wan0 mtu 1400");
    assert.is_true(waitUntil(() => router.status().wan.mtu_bytes === 1400));
    assert.is_true(recovers());
  });

  it("finds its way when the default route comes late or changes its gateway", () => {
    begin();
    site.router.ip("route del default");
    router.start();
    assert.is_nil(exchange());
    assert.is_true(router.counted("no-route") > 0);
    site.router.ip(`route add default via ${GATEWAY}`);
    assert.is_true(recovers());
    site.server.namespace.ip(
      "addr add 198.51.100.3/24 dev eth0",
      "link set eth0 down",
      "link set eth0 address 02:00:00:00:00:99",
    );
    site.server.namespace.ip("link set eth0 up");
    site.router.ip("route replace default via 198.51.100.3");
    assert.is_true(recovers());
  });

  function cpuTicks(): number {
    const [text] = string.gsub(site.router.output(`cat /proc/${router.pid}/stat`), "^.*%) ", "");
    const fields = text.split(" ");
    return tonumber(fields[11])! + tonumber(fields[12])!;
  }
});
