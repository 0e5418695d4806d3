// SPDX-License-Identifier: GPL-2.0-only
// Sequence numbers of ESP that comes in: only those that go up pass.
//
// Userspace weighs all others, as evidence that two tunnels share an SPI (src/masquerade/esp-doubts.ts), and none escapes
// it: the entry keeps the highest number.

import { compute, jumpIf32, load, type Step, store, toNetwork } from "../instruction";
import { entry, packet } from "../layout";
import { held } from "./environment";

const { network } = held;

/** Up when the packet's sequence number is not ahead of the highest. */
export function demandSequenceAhead(): Step[] {
  return [
    load("r1", network, packet.espSequence),
    toNetwork("r1", 32),
    load("r2", held.entry, entry.sequence),
    compute("subtract", "r1", "r2"),
    jumpIf32("r1", "<=s", 0, "up"),
  ];
}

/** Makes the packet's sequence number the highest. */
export function keepSequence(): Step[] {
  return [load("r1", network, packet.espSequence), toNetwork("r1", 32), store(held.entry, entry.sequence, "r1")];
}
