// SPDX-License-Identifier: GPL-2.0-only
// What a router that starts again knows of the one before: a snapshot of the moment, as the shipped code writes and reads
// it.

import type { EspTracker } from "../../../src/masquerade/esp";
import type { IkeTracker } from "../../../src/masquerade/ike";
import { linesOf, restoreItems } from "../../../src/masquerade/journal-lines";
import type { Limits } from "../../../src/masquerade/limits";
import { readSnapshot, SnapshotWriter } from "../../../src/masquerade/snapshot";

/** The process starts again, the machine goes on: its clock too. */
const BOOT = "boot";
const WALL_MS = 1_700_000_000_000;

export interface Trackers {
  readonly esp: EspTracker;
  readonly ike: IkeTracker;
}

/** Fills empty trackers from the snapshot of others. */
export function inherit(after: Trackers, before: Trackers, limits: Limits, nowMs: number): void {
  const present = { bootId: BOOT, wallMs: WALL_MS + nowMs };
  const writer = new SnapshotWriter({ ...present, monotonicMs: nowMs, wanAddress: 0 });
  const text = writer.header + linesOf(writer, before.esp, before.ike).join("");
  const { espIdleMs, ikeIdleMs } = limits;
  restoreItems(readSnapshot(text, { ...present, nowMs, espIdleMs, ikeIdleMs }), after.esp, after.ike, nowMs);
  after.esp.startAgain(nowMs);
}
