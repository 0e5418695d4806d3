// SPDX-License-Identifier: GPL-2.0-only
// Uplinks that are no cable of their own: one that lies on another interface is offloaded, one without link header is not.
//
// Kernels need not have VLANs and PPP, so both are imitated. A macvlan stands for a VLAN: it lies on another interface, the
// kernel takes its frames in a second round of ingress, and no driver's XDP sends to it; of tags it shows nothing. A tun
// device stands for PPPoE: packets begin with IP; of PPP it shows nothing.

import type { StatusReport } from "../../../../src/app/report/status-report";
import { esp, ipv4, wrongChecksums } from "../../frame";
import { Tunnel } from "../../system/tunnel";
import { espOn, sourceOf } from "../packet-match";
import { RouterProcess, waitUntil } from "../router-process";
import { CLIENT_1, GATEWAY, ROUTER_WAN, SERVER, Site } from "../site";

describe("a router with offload", () => {
  let site: Site;
  let router: RouterProcess | undefined;

  after_each(() => {
    router?.remove();
    site.close();
  });

  /** Starts it; where its programs are once it has tried. */
  function offloadOf(configuration: Readonly<Record<string, unknown>>): StatusReport["offload"] {
    const started = new RouterProcess(site.router, configuration).start();
    router = started;
    if (!started.waitForLog("offload: ")) error(started.log(), 0);
    return started.status().offload;
  }

  /** A tunnel of the first client; each packet with the next number, both ways. */
  function exchange(sequence: number): void {
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence }) }));
    const there = site.server.expect(espOn(0x1001));
    assert.equal(ROUTER_WAN, sourceOf(there));
    assert.same([], wrongChecksums(there));
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001, sequence }) }));
    assert.same([], wrongChecksums(client.expect(espOn(0x2001))));
  }

  for (const [choice, place] of [
    ["auto", "generic XDP"],
    ["tcx", "tcx"],
    ["tc", "tc clsact"],
  ] as const) {
    it(`forwards at ${place} when its WAN lies on another interface`, () => {
      site = new Site({ withoutWan: true });
      const beyond = site.server.namespace;
      site.router.ip(`link add trunk0 type veth peer name eth0 netns ${beyond.path()}`, "link set trunk0 up");
      site.router.ip("link add link trunk0 name wan0 type macvlan mode private", "link set wan0 up");
      beyond.ip("link set eth0 up", `addr add ${GATEWAY}/24 dev eth0`);
      site.router.ip(`addr add ${ROUTER_WAN}/24 dev wan0`, `route add default via ${GATEWAY}`);
      const { lan, wan } = offloadOf({ offload: choice });
      assert.equal(place, lan.place);
      assert.equal(place, wan.place);
      exchange(1);
      assert.is_true(waitUntil(() => router?.status().offload.entries === 2));
      exchange(2);
      exchange(3);
      assert.is_true(waitUntil(() => router?.status().offload.packets === 4));
    });
  }

  it("offloads nothing, and says why, when its WAN has no link header", () => {
    site = new Site({ withoutWan: true });
    const tunnel = site.router.inside(() => new Tunnel());
    const { name } = tunnel;
    site.router.ip(`addr add ${ROUTER_WAN} peer ${GATEWAY} dev ${name}`, `route add default dev ${name}`);
    const { lan, wan } = offloadOf({ offload: "auto", wan: name });
    assert.is_nil(lan.place);
    assert.is_nil(wan.place);
    const reason = `${name} has no link header (PPP or a tunnel), and the programs write one`;
    assert.equal(reason, lan.reason);
    assert.equal(reason, wan.reason);
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001 }) }));
    assert.is_true(waitUntil(() => tunnel.read() !== ""));
    tunnel.close();
  });
});
