// SPDX-License-Identifier: GPL-2.0-only
// The NATs there are, by name.

import type { Limits } from "../../../src/masquerade/limits";
import type { Random } from "../../spec/random";
import type { NatKind } from "../plan";
import { ConntrackNat } from "./conntrack";
import { DropOldestNat } from "./drop-oldest";
import { HardinNat } from "./hardin";
import type { Nat, Sides } from "./nat";
import { VpnmasqNat } from "./vpnmasq";

/** @param limits, random ours alone needs them */
export function makeNat(kind: NatKind, sides: Sides, random: Random, limits: Limits, wanAddress: number): Nat {
  switch (kind) {
    case "vpnmasq":
      return new VpnmasqNat(sides, random, limits, wanAddress);
    case "hardin":
      return new HardinNat(sides, wanAddress);
    case "conntrack":
      return new ConntrackNat(sides, wanAddress);
    case "drop-oldest":
      return new DropOldestNat(sides, wanAddress);
  }
}
