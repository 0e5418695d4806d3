// SPDX-License-Identifier: GPL-2.0-only
// Changes an input, a little at a time: bits, bytes, numbers at the edges of their ranges, pieces moved, repeated, left
// out or taken from another input, words of the input's language.
//
// It works in memory of its own, without garbage: some targets take a million inputs a second.

import { byteArray, type BytePtr, copyBytes, create, pointerAt, stringOf } from "../../src/system/ffi";
import type { Random } from "../spec/random";
import { INPUT_BYTES_MAX } from "./input";

/** Numbers at which comparisons and widths change. */
const EDGES: readonly number[] = [0, 1, 2, 4, 7, 8, 15, 16, 19, 20, 27, 28, 31, 32, 63, 64, 127, 128, 254, 255];
const WIDE_EDGES: readonly number[] = [0, 1, 0xff, 0x100, 0x5dc, 0x7fff, 0x8000, 0xfffe, 0xffff];
const DECIMAL_EDGES: readonly string[] = ["0", "-1", "1", "255", "256", "65536", "2147483648", "1e999", "0.5", "007"];
/** Changes made to one input at most: more make it noise that the first check refuses. */
const CHANGES_MAX = 4;
/** Moved, repeated and left-out pieces are up to this long. */
const PIECE_BYTES_MAX = 32;
const ZERO_DIGIT = 48;
const NINE_DIGIT = 57;

export class Mutation {
  readonly bytes: BytePtr = create(byteArray, INPUT_BYTES_MAX);
  lengthBytes = 0;
  private readonly piece: BytePtr = create(byteArray, INPUT_BYTES_MAX);

  constructor(
    private readonly random: Random,
    private readonly tokens: readonly string[],
  ) {}

  load(text: string): void {
    this.lengthBytes = Math.min(string.len(text), INPUT_BYTES_MAX);
    copyBytes(this.bytes, text, this.lengthBytes);
  }

  text(): string {
    return stringOf(this.bytes, this.lengthBytes);
  }

  /** Replaces the text from `at` on. */
  loadAt(at: number, text: string): void {
    const lengthBytes = Math.min(string.len(text), INPUT_BYTES_MAX - at);
    copyBytes(pointerAt(this.bytes, at), text, lengthBytes);
    this.lengthBytes = at + lengthBytes;
  }

  /** Changes what is loaded. @param other an input to take pieces from */
  change(other: string): void {
    for (const _ of $range(0, this.random.below(CHANGES_MAX))) this.changeOnce(other);
  }

  private changeOnce(other: string): void {
    const { random } = this;
    const kind = random.below(this.tokens.length > 0 ? 14 : 11);
    if (kind <= 1) this.setByte(1 << random.below(8), true);
    else if (kind === 2) this.setByte(random.below(256), false);
    else if (kind === 3) this.setByte(EDGES[random.below(EDGES.length)], false);
    else if (kind === 4) this.setWide(WIDE_EDGES[random.below(WIDE_EDGES.length)]);
    else if (kind === 5) this.remove(this.place(), 1 + random.below(PIECE_BYTES_MAX));
    else if (kind === 6) this.repeat();
    else if (kind === 7) this.lengthBytes = random.below(this.lengthBytes + 1);
    else if (kind === 8) this.splice(other);
    else if (kind === 9) this.changeNumber();
    else if (kind === 10) this.insert(this.place(), stringOf(this.bytes, Math.min(this.lengthBytes, random.below(8))));
    else this.putToken(this.tokens[random.below(this.tokens.length)]);
  }

  /** A place within the input, or 0 when it is empty. */
  private place(): number {
    return this.lengthBytes === 0 ? 0 : this.random.below(this.lengthBytes);
  }

  private setByte(value: number, isFlip: boolean): void {
    if (this.lengthBytes === 0) return;
    const at = this.place();
    this.bytes[at] = isFlip ? this.bytes[at] ^ value : value;
  }

  /** 16 bits in network order, or in the order of this machine's CPU. */
  private setWide(value: number): void {
    if (this.lengthBytes < 2) return;
    const at = this.random.below(this.lengthBytes - 1);
    const isSwapped = this.random.below(2) === 0;
    this.bytes[at] = isSwapped ? value & 0xff : value >> 8;
    this.bytes[at + 1] = isSwapped ? value >> 8 : value & 0xff;
  }

  private remove(at: number, countMax: number): void {
    const count = Math.min(countMax, this.lengthBytes - at);
    copyBytes(this.piece, pointerAt(this.bytes, at + count), this.lengthBytes - at - count);
    copyBytes(pointerAt(this.bytes, at), this.piece, this.lengthBytes - at - count);
    this.lengthBytes -= count;
  }

  private insert(at: number, text: string): void {
    const count = Math.min(string.len(text), INPUT_BYTES_MAX - this.lengthBytes);
    copyBytes(this.piece, pointerAt(this.bytes, at), this.lengthBytes - at);
    copyBytes(pointerAt(this.bytes, at), text, count);
    copyBytes(pointerAt(this.bytes, at + count), this.piece, this.lengthBytes - at);
    this.lengthBytes += count;
  }

  private repeat(): void {
    const at = this.place();
    const count = Math.min(this.lengthBytes - at, 1 + this.random.below(PIECE_BYTES_MAX));
    this.insert(this.place(), stringOf(pointerAt(this.bytes, at), count));
  }

  /** The beginning of this input and the end of another one. */
  private splice(other: string): void {
    const from = this.random.below(string.len(other) + 1);
    this.loadAt(this.place(), string.sub(other, from + 1));
  }

  private putToken(token: string): void {
    const at = this.place();
    if (this.random.below(2) === 0) this.remove(at, string.len(token));
    this.insert(at, token);
  }

  /** Puts a decimal number in the place of one: the first after a place chosen at random. */
  private changeNumber(): void {
    const { bytes, random } = this;
    let at = this.place();
    while (at < this.lengthBytes && !isDigit(bytes[at])) at += 1;
    let count = 0;
    while (at + count < this.lengthBytes && isDigit(bytes[at + count])) count += 1;
    if (count === 0) return;
    this.remove(at, count);
    const isEdge = random.below(2) === 0;
    this.insert(at, isEdge ? DECIMAL_EDGES[random.below(DECIMAL_EDGES.length)] : tostring(random.below(1 << 20)));
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO_DIGIT && byte <= NINE_DIGIT;
}
