// SPDX-License-Identifier: GPL-2.0-only
// Filters and rules are made anew exactly when something in a territory changed.

import { isSameTerritory } from "../../../src/forwarding/territory";
import { address } from "../frame";
import { sampleTerritory, withoutWanAddress } from "./sample-territory";

describe("two territories", () => {
  it("are the same when filters and rules made from them would be", () => {
    assert.is_true(isSameTerritory(sampleTerritory(), sampleTerritory()));
  });

  it("differ by each of their parts", () => {
    const others = [
      sampleTerritory({ scope: "all" }),
      sampleTerritory({ lanName: "br0" }),
      sampleTerritory({ wanName: "ppp0" }),
      sampleTerritory({ localAddresses: [address("10.7.0.1")] }),
      sampleTerritory({ wanAddress: address("198.51.100.9") }),
      sampleTerritory({ ownPeers: [address("203.0.113.7")] }),
      sampleTerritory({ ownTcpPorts: [22] }),
      sampleTerritory({ ownUdpPorts: [53] }),
      withoutWanAddress(sampleTerritory()),
    ];
    for (const other of others) assert.is_false(isSameTerritory(sampleTerritory(), other));
  });
});
