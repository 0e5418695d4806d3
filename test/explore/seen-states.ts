// SPDX-License-Identifier: GPL-2.0-only
// The fingerprints of states, two words each, in flat memory: a Lua table would need four times as much.

import { allocateWords, type Words } from "../../src/masquerade/memory";

const FIRST_PLACES = 1 << 12;
/** With linear probing, half full means two or three looks. */
const FULL_SHARE = 0.5;
/** The low word of an empty place, which that of a fingerprint never is. */
const ABSENT = 0;

export class SeenStates {
  count = 0;
  private places = FIRST_PLACES;
  private words = allocateWords(FIRST_PLACES * 2);

  /** Whether it was new. */
  add(high: number, low: number): boolean {
    if (this.count >= this.places * FULL_SHARE) this.grow();
    const isNew = put(this.words, this.places, high, present(low));
    if (isNew) this.count += 1;
    return isNew;
  }

  has(high: number, low: number): boolean {
    return this.words[placeOf(this.words, this.places, high, present(low)) * 2 + 1] !== ABSENT;
  }

  private grow(): void {
    const places = this.places * 2;
    const words = allocateWords(places * 2);
    for (const at of $range(0, this.places - 1)) {
      const [high, low] = [this.words[at * 2], this.words[at * 2 + 1]];
      if (low !== ABSENT) put(words, places, high, low);
    }
    this.words = words;
    this.places = places;
  }
}

function present(low: number): number {
  return low === ABSENT ? 1 : low;
}

/** Where a fingerprint is, or may be put. */
function placeOf(words: Words, places: number, high: number, low: number): number {
  let at = high & (places - 1);
  while (words[at * 2 + 1] !== ABSENT && (words[at * 2] !== high || words[at * 2 + 1] !== low)) {
    at = (at + 1) & (places - 1);
  }
  return at;
}

function put(words: Words, places: number, high: number, low: number): boolean {
  const at = placeOf(words, places, high, low);
  if (words[at * 2 + 1] !== ABSENT) return false;
  words[at * 2] = high;
  words[at * 2 + 1] = low;
  return true;
}
