// SPDX-License-Identifier: GPL-2.0-only
// What rewriting adds to a checksum, as one number for all packets of an entry (RFC 1624 equation 3).

import { foldSum } from "../../wire/checksum";

/** ~m + m' when the time to live, the high half of its word, goes down by one: the same for every m. */
const ONE_HOP_LESS = 0xffff - 0x0100;

function wordChange(before: number, after: number): number {
  return 0xffff - (before >>> 16) + (0xffff - (before & 0xffff)) + (after >>> 16) + (after & 0xffff);
}

/** To the IPv4 header's, when an address (a word) becomes another and the packet takes a hop. */
export function headerAdjustment(before: number, after: number): number {
  return foldSum(wordChange(before, after) + ONE_HOP_LESS);
}

/** To that of UDP or TCP, when an address and a port become others; the other address and port are as they were. */
export function transportAdjustment(before: number, after: number, portBefore: number, portAfter: number): number {
  return foldSum(wordChange(before, after) + (0xffff - portBefore) + portAfter);
}
