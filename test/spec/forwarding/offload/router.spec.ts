// SPDX-License-Identifier: GPL-2.0-only
// The router with its fast path: what is established passes in the kernel, all else and every doubt comes to the daemon.

import { askRouter } from "../../../../src/app/control-client";
import type { EspItem } from "../../../../src/app/report/esp-report";
import type { TableReport } from "../../../../src/app/report/table-report";
import { LEASE_MS } from "../../../../src/forwarding/offload/offload";
import { counting, esp, ipv4, type Octets, raw, udp, wrongChecksums } from "../../frame";
import { destinationOf, espOn, icmpOf, sourceOf } from "../packet-match";
import { RouterProcess, sleepMs, waitUntil } from "../router-process";
import { CLIENT_1, CLIENT_2, ROUTER_WAN, SERVER, Site } from "../site";

/** signal(7): stops and goes on, as a machine that swaps does. */
const SIGSTOP = 19;
const SIGCONT = 18;

const PLACES = [
  ["xdp", "generic XDP"],
  ["tcx", "tcx"],
  ["tc", "tc clsact"],
] as const;

for (const [choice, place] of PLACES) {
  describe(`a router that offloads at ${place}`, () => {
    let site: Site;
    let router: RouterProcess;

    const payload = counting(60);
    const fromClient = (spi: number, sequence = 1, timeToLive = 64): Octets =>
      ipv4({ from: CLIENT_1, to: SERVER, timeToLive, carrying: esp({ spi, sequence, payload }) });
    const fromServer = (spi: number, sequence: number): Octets =>
      ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi, sequence, payload }) });

    const offloaded = () => router.status().offload;

    function onlyItem(): EspItem {
      const [report, problem] = askRouter<TableReport>(router.control, {
        command: "table",
        table: "esp",
        offset: 0,
        limit: 10,
      });
      if (report === undefined) error(problem, 0);
      return report.items[0] as EspItem;
    }

    /** An answered epoch of the first client, of which both directions are offloaded. */
    function establish(out: number, back: number): void {
      const before = offloaded().entries;
      site.clients[0].send(fromClient(out));
      site.server.expect(espOn(out));
      site.server.send(fromServer(back, 1));
      site.clients[0].expect(espOn(back));
      if (!waitUntil(() => offloaded().entries === before + 2)) error(router.log(), 0);
    }

    before_each(() => {
      site = new Site();
      router = new RouterProcess(site.router, { offload: choice }).start();
      if (!waitUntil(() => offloaded().lan.place !== undefined)) error(router.log(), 0);
    });

    after_each(() => {
      router.remove();
      site.close();
    });

    it("says where its programs are", () => {
      const { lan, wan } = offloaded();
      assert.equal(place, lan.place);
      assert.equal(place, wan.place);
    });

    it("forwards what is established in the kernel, both ways, and counts it", () => {
      establish(0x1001, 0x2001);
      const before = router.status();
      const itemBefore = onlyItem();
      for (const sequence of $range(2, 11)) {
        site.clients[0].send(fromClient(0x1001, sequence));
        const there = site.server.expect(espOn(0x1001));
        assert.equal(ROUTER_WAN, sourceOf(there));
        assert.equal(63, there[8]);
        assert.same([], wrongChecksums(there));
        site.server.send(fromServer(0x2001, sequence));
        const here = site.clients[0].expect(espOn(0x2001));
        assert.equal(CLIENT_1, destinationOf(here));
        assert.same([], wrongChecksums(here));
      }
      assert.is_true(waitUntil(() => offloaded().packets === 20));
      const after = router.status();
      assert.equal(10, after.lan.frames_in - before.lan.frames_in);
      assert.equal(10, after.lan.frames_out - before.lan.frames_out);
      assert.equal(10, after.wan.frames_in - before.wan.frames_in);
      assert.equal(0, site.server.seen(espOn(0x1001)).length);
      const item = onlyItem();
      assert.equal(10 * fromClient(0x1001).length, item.bytes_out - itemBefore.bytes_out);
      assert.equal(10 * fromServer(0x2001, 1).length, item.bytes_in - itemBefore.bytes_in);
    });

    it("gets all else, once, and the kernel none of it", () => {
      // The LAN is a bridge, whose packets this hook may see a first time before they are the router's.
      const rule = 'type filter hook prerouting priority -400; iifname "wan0" counter;';
      site.router.shell(`nft 'table ip spec { chain c { ${rule} }; }'`);
      const counted = (packets: number): boolean =>
        string.find(site.router.output("nft list table ip spec"), `counter packets ${packets} `, 1, true)[0] !==
        undefined;
      const frames = (): number => router.status().lan.frames_in + router.status().wan.frames_in;
      for (const spi of $range(0x1101, 0x1105)) {
        site.clients[0].send(fromClient(spi));
        site.server.expect(espOn(spi));
        site.server.send(fromServer(spi + 0x1000, 1));
        site.clients[0].expect(espOn(spi + 0x1000));
      }
      assert.equal(10, frames());
      const fragment = ipv4({ from: SERVER, to: ROUTER_WAN, moreFragments: true, carrying: raw(50, counting(64)) });
      site.server.send(fragment);
      assert.is_true(waitUntil(() => frames() === 11));
      assert.is_true(counted(0));
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: udp({ fromPort: 4000, toPort: 53 }) }));
      assert.is_true(waitUntil(() => counted(1)));
    });

    it("answers a packet whose time to live ends, as it always does", () => {
      establish(0x1002, 0x2002);
      site.clients[0].send(fromClient(0x1002, 2, 1));
      site.clients[0].expect(icmpOf(11));
      assert.equal(0, offloaded().packets);
    });

    it("gives copies to both owners as soon as an SPI is seen to collide", () => {
      establish(0x1003, 0x2003);
      for (const sequence of $range(1000, 1010)) site.server.send(fromServer(0x2003, sequence));
      assert.is_true(waitUntil(() => offloaded().packets === 11));
      site.clients[1].send(ipv4({ from: CLIENT_2, to: SERVER, carrying: esp({ spi: 0x1004, payload }) }));
      site.server.expect(espOn(0x1004));
      // The second client's tunnel answers on the SPI that the first one has.
      site.server.send(fromServer(0x2003, 1));
      site.clients[1].expect(espOn(0x2003));
      site.clients[0].clear();
      site.server.send(fromServer(0x2003, 1011));
      site.server.send(fromServer(0x2003, 2));
      for (const client of site.clients) {
        client.expect(espOn(0x2003));
        client.expect(espOn(0x2003));
      }
    });

    it("does not forward for a daemon that hangs, beyond its lease", () => {
      establish(0x1005, 0x2005);
      router.signal(SIGSTOP);
      site.clients[0].send(fromClient(0x1005, 2));
      site.server.expect(espOn(0x1005));
      sleepMs(LEASE_MS + 100);
      site.clients[0].send(fromClient(0x1005, 3));
      assert.is_true(site.server.isSpared(espOn(0x1005)));
      router.signal(SIGCONT);
      site.server.expect(espOn(0x1005));
    });

    if (place !== "tc clsact") {
      it("is gone with its process", () => {
        establish(0x1006, 0x2006);
        router.kill();
        site.clients[0].send(fromClient(0x1006, 2));
        assert.is_true(site.server.isSpared(espOn(0x1006)));
        assert.is_nil(string.find(site.router.output("ip link show dev lan0"), "xdp")[0]);
      });
    }

    it("follows a next hop to another hardware address at once", () => {
      establish(0x1007, 0x2007);
      site.server.namespace.ip("link set eth0 address 02:00:00:00:77:77");
      site.router.ip("neigh replace 198.51.100.2 lladdr 02:00:00:00:77:77 dev wan0");
      assert.is_true(waitUntil(() => string.find(site.router.output("ip neigh"), "77:77")[0] !== undefined));
      sleepMs(50);
      site.clients[0].send(fromClient(0x1007, 2));
      site.server.expect(espOn(0x1007));
      assert.is_true(waitUntil(() => offloaded().packets === 1));
    });
  });
}
