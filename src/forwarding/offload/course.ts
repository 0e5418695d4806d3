// SPDX-License-Identifier: GPL-2.0-only
// One way through the kernel: the entries of its packets, and the next hops of the interface that they leave by.

import type { EntryMap } from "./entry-map";
import type { HopRows } from "./hop-rows";

/** What has been quiet for this long is taken back, so that the kernel's maps hold what is in use. */
export const QUIET_MS = 10000;

export class Course {
  constructor(
    readonly entries: EntryMap,
    readonly hops: HopRows,
    /** Where its packets come in there is a program. */
    private readonly isAttached: boolean,
  ) {}

  /** The row of a destination's next hop (a word); undefined when nothing can be forwarded there now. */
  hopRow(destination: number): number | undefined {
    return this.isAttached ? this.hops.find(destination) : undefined;
  }

  /** Whether an entry, which was selected, is there without a next hop: routes have changed since it was put. */
  isStranded(entries: EntryMap): boolean {
    return entries.read() && !this.hops.isValid(entries.hopRow);
  }

  /** Says that packets pass by the entry that was read last. */
  markInUse(): void {
    this.hops.markInUse(this.entries.hopRow);
  }
}
