// SPDX-License-Identifier: GPL-2.0-only
// Frames of VLANs belong to interfaces above the router's own: neither its rings nor its rules touch them.

import type { BytePtr } from "../../../src/system/ffi";
import { PacketRing } from "../../../src/system/packet-ring";
import { rejectAll } from "../../../src/system/socket-filter";
import { bufferOf, esp, ethernet, ipv4 } from "../frame";
import { linkNamed, must } from "../system/network";
import { RouterProcess, waitUntil } from "./router-process";
import { ROUTER_WAN, SERVER, Site } from "./site";

const VLAN = 5;
const SENT_TAGGED = 3;

for (const offload of ["off", "tcx"])
  describe(`ESP in a VLAN on the WAN interface, with offload ${offload}`, () => {
    let site: Site;
    let router: RouterProcess;

    setup(() => {
      site = new Site();
      site.router.ip("link set wan0 address 02:00:00:00:00:01");
      router = new RouterProcess(site.router, { offload }).start();
      assert.is_true(offload === "off" || waitUntil(() => router.status().offload.wan.place === offload));
      // What the router's rules let by is counted behind them.
      const chain = 'chain c { type filter hook ingress device "wan0" priority 0; ip protocol esp counter; };';
      site.router.shell(`nft 'table netdev spec { ${chain} }'`);
    });

    teardown(() => {
      router.remove();
      site.close();
    });

    it("stays with the kernel, while that without a tag is taken", () => {
      const sizes = { receiveSlots: 64, sendSlots: 16, bypassQueueing: true };
      const port = site.server.namespace.inside(() => {
        const interfaceIndex = linkNamed("eth0").index;
        return must(PacketRing.open({ interfaceIndex, linkHeaderBytes: 14, filter: rejectAll, ...sizes }));
      });
      const payload = ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x7777 }) });
      const plain = ethernet({ payload });
      const tagged = ethernet({ payload, vlanTag: VLAN });
      for (const frame of [tagged, plain, tagged, plain, tagged]) {
        const bytes = bufferOf(frame) as BytePtr;
        port.send(bytes, frame.length);
        port.flush();
      }
      port.close();
      assert.is_true(waitUntil(() => router.status().wan.frames_in === 2));
      assert.matches(`counter packets ${SENT_TAGGED} `, site.router.output("nft list table netdev spec"));
    });
  });
