// SPDX-License-Identifier: GPL-2.0-only
// How long to wait for an answer: from the round-trip times seen so far (RFC 6298 §2), within configured bounds.

/** RFC 6298 §2: the shares of a new measurement, and how many deviations above the mean to wait. */
const MEAN_SHARE = 1 / 8;
const DEVIATION_SHARE = 1 / 4;
const DEVIATIONS = 4;

export class RoundTrip {
  /** Smoothed round-trip time; undefined before the first measurement. */
  meanMs: number | undefined;
  private deviationMs = 0;

  /** A round trip was measured. Not to be told of answers to repeated pings: whose answer was it? (Karn; §3) */
  measured(roundTripMs: number): void {
    if (this.meanMs === undefined) {
      this.meanMs = roundTripMs;
      this.deviationMs = roundTripMs / 2;
      return;
    }
    this.deviationMs += DEVIATION_SHARE * (Math.abs(this.meanMs - roundTripMs) - this.deviationMs);
    this.meanMs += MEAN_SHARE * (roundTripMs - this.meanMs);
  }

  /** How long to wait for the answer to the `attempt`-th ping in a row (from 1): doubled each time (§5.5). */
  timeoutMs(attempt: number, leastMs: number, mostMs: number): number {
    const once = this.meanMs === undefined ? leastMs : this.meanMs + DEVIATIONS * this.deviationMs;
    return Math.min(mostMs, Math.max(leastMs, once) * 2 ** (attempt - 1));
  }
}
