// SPDX-License-Identifier: GPL-2.0-only
// A line of text that tells whether it arrived whole: a console is shared with the kernel, whose messages may come in
// the middle of ours.
//
// The text starts with a mark and ends with `*` and four digits, Fletcher's checksum of 16 bits (RFC 1146, appendix I):
// sums of two kinds, which a microcontroller has done in a millisecond, and of which changed places change the second.
// Written for Lua, for Espruino and for Node alike; it imports nothing.

const DIGITS = "0123456789abcdef";
/** `*` and four digits. */
const SEAL_CHARACTERS = 5;
/** Fletcher's sums are taken modulo this. */
const MODULUS = 255;

function twoDigits(byte: number): string {
  const high = Math.floor(byte / 16);
  return DIGITS.charAt(high) + DIGITS.charAt(byte - high * 16);
}

/** Of ASCII text. */
function checksum(text: string): string {
  let first = 0;
  let second = 0;
  for (let at = 0; at < text.length; at += 1) {
    first += text.charCodeAt(at);
    if (first >= MODULUS) first -= MODULUS;
    second += first;
    if (second >= MODULUS) second -= MODULUS;
  }
  return twoDigits(second) + twoDigits(first);
}

/** The text with its checksum behind it. @param text ASCII, printable, without `*` */
export function sealed(text: string): string {
  return `${text}*${checksum(text)}`;
}

/** Why a line is not a whole one: it has no mark, no checksum at its end, or another one than its text. */
export type LineFault = "no-mark" | "cut-short" | "wrong-checksum";

/** The text with its mark and without its checksum, or why there is none. */
export interface Unsealed {
  readonly text?: string;
  readonly fault?: LineFault;
}

function lastPlaceOf(mark: string, line: string): number {
  let last = -1;
  let next = line.indexOf(mark);
  while (next >= 0) {
    last = next;
    next = line.indexOf(mark, next + 1);
  }
  return last;
}

/**
 * The text that somebody sealed. What stands before the last mark is not ours, such as the prompt of a shell.
 *
 * @param line without its line end; a carriage return and spaces at its end are let be
 */
export function unsealed(line: string, mark: string): Unsealed {
  const from = lastPlaceOf(mark, line);
  if (from < 0) return { fault: "no-mark" };
  let end = line.length;
  while (end > from && line.charCodeAt(end - 1) <= 32) end -= 1;
  const textEnd = end - SEAL_CHARACTERS;
  if (textEnd < from || line.charAt(textEnd) !== "*") return { fault: "cut-short" };
  const text = line.substring(from, textEnd);
  return checksum(text) === line.substring(textEnd + 1, end) ? { text } : { fault: "wrong-checksum" };
}
