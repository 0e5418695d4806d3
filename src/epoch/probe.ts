// SPDX-License-Identifier: GPL-2.0-only
// Pings in a row until one is answered: when the next is due, and how many were not answered.

import type { EpochParameters } from "./parameters";
import { RoundTrip } from "./round-trip";

export class Probe {
  readonly roundTrip = new RoundTrip();
  /** When to ping again; undefined: nothing is to be pinged. */
  dueMs: number | undefined;
  /** Pings sent since the row began. */
  attempts = 0;
  /** When the first of them was sent. */
  sinceMs = 0;
  /** Pings since the last answer, also to epochs that are no more. */
  unanswered = 0;
  private sentMs = 0;

  constructor(private readonly parameters: EpochParameters) {}

  /** A new row, whose first ping is due now. */
  begin(nowMs: number): void {
    this.attempts = 0;
    this.sinceMs = nowMs;
    this.dueMs = nowMs;
  }

  sent(nowMs: number): void {
    const { pingTimeMinMs, pingTimeMaxMs } = this.parameters;
    this.attempts += 1;
    this.unanswered += 1;
    this.sentMs = nowMs;
    this.dueMs = nowMs + this.roundTrip.timeoutMs(this.attempts, pingTimeMinMs, pingTimeMaxMs);
  }

  /** Ends the row. Only the answer to a single ping tells a round-trip time. */
  answered(nowMs: number): void {
    if (this.dueMs !== undefined && this.attempts === 1) this.roundTrip.measured(nowMs - this.sentMs);
    this.unanswered = 0;
    this.stop();
  }

  stop(): void {
    this.dueMs = undefined;
    this.attempts = 0;
  }
}
