// SPDX-License-Identifier: GPL-2.0-only
// Random numbers that are the same in every run, on every Lua and in JavaScript: a failing spec fails again.

/** Park and Miller's "minimal standard" generator, whose products stay below 2⁵³ and so exact in a double. */
export class Random {
  private state: number;

  /** @param seed 1 … 2³¹−2 */
  constructor(seed: number) {
    this.state = seed;
  }

  /** A whole number 0 … `limit`−1; `limit` at most 2³¹−2. */
  below(limit: number): number {
    const product = this.state * 16807;
    this.state = product - Math.floor(product / 2147483647) * 2147483647;
    return Math.floor((this.state / 2147483647) * limit);
  }

  /** A word: a signed 32-bit number. */
  word(): number {
    return (this.below(0x10000) << 16) | this.below(0x10000);
  }

  /** `count` bytes. */
  octets(count: number): number[] {
    const octets: number[] = [];
    for (let made = 0; made < count; made += 1) octets.push(this.below(256));
    return octets;
  }
}
