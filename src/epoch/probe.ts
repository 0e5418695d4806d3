// SPDX-License-Identifier: GPL-2.0-only
// Pings in a row until one is answered: when the next is due, and how many were not answered.
//
// A new epoch may have to wait at the NAT until others had their turn, so its row is long and its waits are doubled (RFC
// 6298 §5.5). An epoch that was answered before has its place there: its row is short and steady, as in RFC 5880, where
// the time to detect a loss is a number of packets times their interval. It is shorter still after an outage, when silence
// is no surprise.

import type { EpochParameters } from "./parameters";
import { RoundTrip } from "./round-trip";

/** Of 5 % loss each way, all of a row that was answered are lost once in a thousand times: an epoch too many, no more. */
const RETURN_TRIES = 3;

export class Probe {
  private readonly roundTrip = new RoundTrip();
  /** When to ping again; undefined: nothing is to be pinged. */
  dueMs: number | undefined;
  /** Pings sent since the row began. */
  attempts = 0;
  /** When the first of them was sent. */
  sinceMs = 0;
  /** Pings since the last answer, also to epochs that are no more. */
  unanswered = 0;
  /** Pings until an epoch that was answered before is given up; undefined: it was not. */
  private steadyTries: number | undefined;

  constructor(private readonly parameters: EpochParameters) {}

  /** A new row, whose first ping is due now. @param wasAnswered whether the epoch ever was */
  begin(nowMs: number, wasAnswered: boolean): void {
    this.steadyTries = wasAnswered ? this.parameters.probeTries : undefined;
    this.attempts = 0;
    this.sinceMs = nowMs;
    this.dueMs = nowMs;
  }

  /** What made all silent is over: the epoch was given up before, and if it was answered once this is its last chance. */
  shortenForReturn(): void {
    if (this.steadyTries !== undefined) this.steadyTries = Math.min(RETURN_TRIES, this.steadyTries);
  }

  sent(nowMs: number): void {
    this.attempts += 1;
    this.unanswered += 1;
    const doubledFrom = this.steadyTries ?? 1;
    this.dueMs = nowMs + this.timeoutMs(Math.max(1, this.attempts - doubledFrom + 1));
  }

  /** As many pings as are sent before the epoch is given up. */
  isExhausted(): boolean {
    return this.attempts >= (this.steadyTries ?? this.parameters.pingTries);
  }

  /**
   * Ends the row. The time since its first ping is the round trip or, when one was lost, more than it; RFC 6298 §3 leaves
   * such times out, but then one that is longer than the first wait would never be known.
   */
  answered(nowMs: number): void {
    if (this.attempts > 0 && !this.isExhausted()) this.roundTrip.measured(nowMs - this.sinceMs);
    this.unanswered = 0;
    this.stop();
  }

  stop(): void {
    this.dueMs = undefined;
    this.attempts = 0;
  }

  /** Smoothed round-trip time; undefined before the first measurement. */
  roundTripMs(): number | undefined {
    return this.roundTrip.meanMs;
  }

  /** How long to wait for the answer to the `attempt`-th ping in a row. */
  timeoutMs(attempt: number): number {
    const { pingTimeMinMs, pingTimeMaxMs } = this.parameters;
    return this.roundTrip.timeoutMs(attempt, pingTimeMinMs, pingTimeMaxMs);
  }
}
