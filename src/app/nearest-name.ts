// SPDX-License-Identifier: GPL-2.0-only
// Which known name somebody may have meant: the one that takes the fewest changed letters.

/** Letters to add, take away or change until the names are equal (Levenshtein distance). */
function distance(one: string, other: string): number {
  let previous: number[] = [];
  for (const column of $range(0, string.len(other))) previous.push(column);
  for (const row of $range(1, string.len(one))) {
    const current = [row];
    for (const column of $range(1, string.len(other))) {
      const change = string.byte(one, row) === string.byte(other, column) ? 0 : 1;
      const cheapest = Math.min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + change);
      current.push(cheapest);
    }
    previous = current;
  }
  return previous[string.len(other)];
}

/** Longer words are compared to nothing: they would cost time and nobody means them. */
const LETTERS_MAX = 64;

/** The nearest of the known names, or undefined when half the letters or more would have to change. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (string.len(name) > LETTERS_MAX) return undefined;
  let best: string | undefined;
  let least = Math.ceil(string.len(name) / 2);
  for (const candidate of known) {
    const changes = distance(name, candidate);
    if (changes < least) {
      least = changes;
      best = candidate;
    }
  }
  return best;
}
