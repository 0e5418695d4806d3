// SPDX-License-Identifier: GPL-2.0-only
// At tc nothing goes with a process: what becomes of the filters when the router ends, is killed, and starts again.

import { LEASE_MS } from "../../../../src/forwarding/offload/offload";
import { esp, ipv4 } from "../../frame";
import { espOn, icmpOf } from "../packet-match";
import { RouterProcess, sleepMs, waitUntil } from "../router-process";
import { CLIENT_1, ROUTER_WAN, SERVER, Site } from "../site";

/** Longer than a program goes on for a daemon that is gone. */
const GIVEN_UP_MS = 10000;

describe("a router that offloads at tc clsact", () => {
  let site: Site;
  let router: RouterProcess;

  const filters = (): string => site.router.output("tc filter show dev lan0 ingress; tc filter show dev wan0 ingress");
  const holders = (): string => site.router.output("tc qdisc show clsact");

  function filtersOfOurs(): number {
    const [, count] = string.gsub(filters(), "vpnmasq direct%-action", "");
    return count;
  }

  const start = (): void => {
    router.start();
    if (!waitUntil(() => router.status().offload.lan.place !== undefined)) error(router.log(), 0);
  };

  before_each(() => {
    site = new Site();
    router = new RouterProcess(site.router, { offload: "tc" });
  });

  after_each(() => {
    router.remove();
    site.close();
  });

  it("leaves nothing behind when it ends", () => {
    start();
    assert.equal(2, filtersOfOurs());
    router.stop();
    assert.equal("", filters());
    assert.equal("", holders());
  });

  it("leaves what holds filters where somebody else put it", () => {
    site.router.shell("tc qdisc add dev wan0 clsact");
    start();
    assert.equal(2, filtersOfOurs());
    router.stop();
    assert.equal("", filters());
    assert.is_not_nil(string.find(holders(), "dev wan0", 1, true)[0]);
    assert.is_nil(string.find(holders(), "dev lan0", 1, true)[0]);
  });

  it("forwards no longer than its lease when it is killed, and a new one takes its filters' place, or away", () => {
    start();
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001 }) }));
    site.server.expect(espOn(0x1001));
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 }) }));
    site.clients[0].expect(espOn(0x2001));
    assert.is_true(waitUntil(() => router.status().offload.entries === 2));
    router.kill();
    sleepMs(LEASE_MS + 100);
    assert.equal(2, filtersOfOurs());
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence: 2 }) }));
    assert.is_true(site.server.isSpared(espOn(0x1001)));
    start();
    assert.equal(2, filtersOfOurs());
    router.kill();
    router.configure({ offload: "xdp" });
    start();
    assert.equal(0, filtersOfOurs());
  });

  it("gives the kernel its packets back when it is killed and no new one starts", () => {
    start();
    const isAnsweredByKernel = (): boolean => {
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 }) }));
      return !site.server.isSpared(icmpOf(3, 2));
    };
    assert.is_false(isAnsweredByKernel());
    router.kill();
    assert.is_true(waitUntil(isAnsweredByKernel, GIVEN_UP_MS));
    assert.equal(2, filtersOfOurs());
  });
});
