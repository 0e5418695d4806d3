// SPDX-License-Identifier: GPL-2.0-only
// Integer arithmetic that means the same in TypeScript, LuaJIT and PUC Lua.
//
// Lua's bit operations give signed 32-bit results, its `%` follows the divisor's sign and its `/` never truncates, so
// the usual idioms (`x >>> 0`, `a % b`, `a / b | 0`) are kept out by lint rules and these names stand in their place.

/** A word as an unsigned number, 0 … 2³²−1: for printing and for arithmetic, never for comparing words. */
export function unsigned(word: number): number {
  return word < 0 ? word + 0x100000000 : word;
}

/** Any integer as a word: a signed 32-bit number, the form in which words are kept and compared. */
export function toWord(value: number): number {
  return value | 0;
}

/** `dividend` divided by `divisor`, rounded towards −∞. */
export function divide(dividend: number, divisor: number): number {
  return Math.floor(dividend / divisor);
}

/** The remainder that belongs to {@link divide}: it has the divisor's sign. */
export function modulo(dividend: number, divisor: number): number {
  return dividend - Math.floor(dividend / divisor) * divisor;
}
