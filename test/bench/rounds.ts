// SPDX-License-Identifier: GPL-2.0-only
// Measures several variants fairly: in turns, several rounds, and the median of each.
//
// A machine's speed drifts within a run (frequency, neighbours), so variants that are to be compared take turns round
// by round; a median throws away the rounds that something else disturbed.

/** The middle one of an odd number of values, else the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `percent` of all values are not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values];
  table.sort(sorted);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
}

/** Rounds before those that count: the compiler sees everything, caches fill. */
const WARM_UP_ROUNDS = 5;

/**
 * Runs the variants in turns; the median of each, in their order.
 * @param onWarm is called when everything has run a few times and the rounds that count begin
 */
export function inTurns(rounds: number, variants: readonly (() => number)[], onWarm?: () => void): number[] {
  const values: number[][] = variants.map(() => []);
  for (const round of $range(1, WARM_UP_ROUNDS + rounds)) {
    if (round === WARM_UP_ROUNDS + 1) onWarm?.();
    for (const at of $range(0, variants.length - 1)) {
      const value = variants[at]();
      if (round > WARM_UP_ROUNDS) values[at].push(value);
    }
  }
  return values.map((ofVariant) => median(ofVariant));
}
