// SPDX-License-Identifier: GPL-2.0-only
// HalfSipHash-1-3 with 64 bits (Aumasson and Bernstein, as in Linux' lib/siphash.c): words in, two words out.
//
// It has additions, exclusive ors and rotations of words only, which LuaJIT compiles to a handful of instructions, and
// no weakness is known that states of a world could meet by chance.

import { toWord } from "../../src/wire/word";

/** Any key will do: nobody attacks an exploration. */
const FIRST_KEY = 0x03020100;
const SECOND_KEY = 0x07060504;

export class HalfSipHash {
  /** The result, once {@link finish} was called. */
  high = 0;
  low = 0;
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;

  start(): void {
    this.v0 = FIRST_KEY;
    this.v1 = SECOND_KEY ^ 0xee;
    this.v2 = 0x6c796765 ^ FIRST_KEY;
    this.v3 = 0x74656462 ^ SECOND_KEY;
  }

  /** @param word only its low 32 bits count */
  add(word: number): void {
    this.v3 = this.v3 ^ word;
    this.round();
    this.v0 = this.v0 ^ word;
  }

  finish(): void {
    this.v2 = this.v2 ^ 0xee;
    this.threeRounds();
    this.low = this.v1 ^ this.v3;
    this.v1 = this.v1 ^ 0xdd;
    this.threeRounds();
    this.high = this.v1 ^ this.v3;
  }

  private threeRounds(): void {
    this.round();
    this.round();
    this.round();
  }

  private round(): void {
    let v0 = toWord(this.v0 + this.v1);
    let v1 = ((this.v1 << 5) | (this.v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    let v2 = toWord(this.v2 + this.v3);
    let v3 = ((this.v3 << 8) | (this.v3 >>> 24)) ^ v2;
    v0 = toWord(v0 + v3);
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = toWord(v2 + v1);
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}
