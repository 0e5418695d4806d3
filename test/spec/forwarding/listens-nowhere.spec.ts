// SPDX-License-Identifier: GPL-2.0-only
// What of a running router can be reached: from the network nothing, by a unix socket its owner alone.
//
// The namespace of the site's router holds that one program, so what /proc/net lists of it is the router's.

import { outputOf } from "../system/network";
import { RouterProcess } from "./router-process";
import { Site } from "./site";

const FAMILIES = ["tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6"];

describe("a running router", () => {
  let site: Site;
  let router: RouterProcess;

  before_each(() => {
    site = new Site();
    router = new RouterProcess(site.router);
    router.start();
  });

  after_each(() => {
    router.remove();
    site.close();
  });

  it("has no socket that a packet could reach but those of its interfaces", () => {
    for (const family of FAMILIES) {
      // The first line is the heading. The file is that of the process' own network.
      const lines = outputOf(`cat /proc/${router.pid}/net/${family} 2>/dev/null | tail -n +2`);
      assert.equal("", lines, family);
    }
    const packetSockets = outputOf(`tail -n +2 /proc/${router.pid}/net/packet | wc -l`);
    assert.is_true(tonumber(packetSockets)! >= 2, "a list without the rings would be another network's");
  });

  it("lets nobody but its owner reach its control socket and read its journal", () => {
    assert.equal("srw-------", string.match(outputOf(`stat -c %A ${router.control}`), "%S+")[0]);
    assert.equal("-rw-------", string.match(outputOf(`stat -c %A ${router.journal}`), "%S+")[0]);
  });
});
