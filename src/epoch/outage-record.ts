// SPDX-License-Identifier: GPL-2.0-only
// The outages of one tunnel, for people: since when, why, and what ended the last one.

import type { Rung } from "./ladder";

/** How an outage began and was ended. */
export interface Recovery {
  readonly cause: string;
  /** The highest rung that was tried. */
  readonly by: Rung;
  readonly tookMs: number;
  readonly atMs: number;
}

export class OutageRecord {
  /** Outages that ended. */
  recoveries = 0;
  last: Recovery | undefined;
  /** When the present outage began; undefined: there is none. */
  sinceMs: number | undefined;
  cause = "";
  private highest: Rung = "ping";

  /** @param sinceMs the first sign of it; nothing changes when an outage lasts already */
  begin(cause: string, sinceMs: number): void {
    if (this.sinceMs !== undefined) return;
    this.sinceMs = sinceMs;
    this.cause = cause;
    this.highest = "ping";
  }

  tried(rung: Rung): void {
    if (this.highest !== "new-ike") this.highest = rung;
  }

  end(nowMs: number): void {
    if (this.sinceMs === undefined) return;
    this.recoveries += 1;
    this.last = { cause: this.cause, by: this.highest, tookMs: nowMs - this.sinceMs, atMs: nowMs };
    this.sinceMs = undefined;
  }
}
