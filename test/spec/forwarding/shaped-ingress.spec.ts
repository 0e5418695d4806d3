// SPDX-License-Identifier: GPL-2.0-only
// A WAN whose incoming frames tc sends round by an ifb, as SQM does to shape them: each passes our tap, then comes back to
// the kernel behind netdev ingress, where the router's rules do not see it.

import { esp, ipv4, udp, wrongChecksums } from "../frame";
import { espOn, icmpOf, sourceOf } from "./packet-match";
import { RouterProcess } from "./router-process";
import { CLIENT_1, ROUTER_WAN, SERVER, Site } from "./site";

const EVERYTHING = "protocol all u32 match u32 0 0";
const UNREACHABLE = 3;

for (const offload of ["off", "auto", "tcx", "tc"])
  describe(`a router whose incoming frames go by an ifb, with offload ${offload}`, () => {
    let site: Site;
    let router: RouterProcess;

    setup(() => {
      site = new Site();
      site.router.ip("link add ifb0 type ifb", "link set ifb0 up");
      site.router.shell(
        `tc qdisc add dev wan0 ingress
        tc filter add dev wan0 parent ffff: ${EVERYTHING} action mirred egress redirect dev ifb0`,
      );
      router = new RouterProcess(site.router, { offload }).start();
      if (offload !== "off") assert.is_true(router.waitForLog("offload: "));
    });

    teardown(() => {
      router.remove();
      site.close();
    });

    it("forwards ESP once, both ways, and the kernel answers none of it", () => {
      const [client] = site.clients;
      for (const sequence of $range(1, 3)) {
        client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence }) }));
        assert.equal(ROUTER_WAN, sourceOf(site.server.expect(espOn(0x1001))));
        site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001, sequence }) }));
        assert.same([], wrongChecksums(client.expect(espOn(0x2001))));
        assert.is_true(client.isSpared(espOn(0x2001)));
      }
      assert.is_true(site.server.isSpared(icmpOf(UNREACHABLE)));
    });

    it("leaves the kernel what is the kernel's", () => {
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: udp({ fromPort: 4000, toPort: 53 }) }));
      site.server.expect(icmpOf(UNREACHABLE));
    });

    if (offload !== "off") {
      it("says why nothing of the WAN is forwarded by the kernel", () => {
        const { wan } = router.status().offload;
        assert.is_nil(wan.place);
        assert.matches("tc's ingress is in use", wan.reason);
      });
    }
  });
