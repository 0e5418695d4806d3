// SPDX-License-Identifier: GPL-2.0-only
// A router's addresses and services for specs: lan0 10.7.0.1, wan0 198.51.100.1, scope vpn.

import type { Territory } from "../../../src/forwarding/territory";
import { address } from "../frame";

export function sampleTerritory(changes: Partial<Territory> = {}): Territory {
  return {
    scope: "vpn",
    lanName: "lan0",
    wanName: "wan0",
    localAddresses: [address("10.7.0.1"), address("198.51.100.1")],
    wanAddress: address("198.51.100.1"),
    ownPeers: [],
    ownTcpPorts: [],
    ownUdpPorts: [],
    ...changes,
  };
}

/** The same while the WAN has no address. */
export function withoutWanAddress(territory: Territory): Territory {
  // In Lua a key that is undefined is no key, so it cannot be given as a change.
  const copy: { -readonly [Key in keyof Territory]: Territory[Key] } = { ...territory };
  copy.wanAddress = undefined;
  return copy;
}
