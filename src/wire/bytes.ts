// SPDX-License-Identifier: GPL-2.0-only
// Bytes of a frame, and numbers read from and written to them in network byte order.
//
// A frame is anything that can be indexed from 0: a `uint8_t*` of LuaJIT's FFI on the board, a plain Lua table in a
// spec on PUC Lua. Reading byte by byte is right on both byte orders and on CPUs that trap unaligned loads (MIPS),
// and LuaJIT compiles it to a few instructions.

/** Bytes counted from 0. An interface and not an array type, because TypeScriptToLua adds 1 to an array's index. */
export interface Bytes {
  [index: number]: number;
}

/** 16 bits at `at`, network byte order. */
export function read16(bytes: Bytes, at: number): number {
  return bytes[at] * 256 + bytes[at + 1];
}

/** A word at `at`: 32 bits in network byte order as a signed number, the form LuaJIT keeps in a register. */
export function readWord(bytes: Bytes, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** Writes the low 16 bits of `value` at `at`, network byte order. */
export function write16(bytes: Bytes, at: number, value: number): void {
  bytes[at] = (value >> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
}

/** Writes a word (signed or unsigned) at `at`, network byte order. */
export function writeWord(bytes: Bytes, at: number, word: number): void {
  bytes[at] = (word >> 24) & 0xff;
  bytes[at + 1] = (word >> 16) & 0xff;
  bytes[at + 2] = (word >> 8) & 0xff;
  bytes[at + 3] = word & 0xff;
}
