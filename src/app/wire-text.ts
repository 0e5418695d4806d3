// SPDX-License-Identifier: GPL-2.0-only
// A document as lines for a serial console: packed by gzip where the board has it, in base64, each line with its
// checksum, so that what kernel messages spoil is known line by line and can be asked for again.
//
//   VM1S begin LINES BYTES CRC-32 gzip|plain
//   VM1S NUMBER BASE64                           (64 characters of it, 48 bytes; lines count from 1)
//   VM1S end LINES
//
// src/host/console/support-bundle.ts is the other end.

import { sealed } from "../heartbeat/checked-line";
import { crc32 } from "../masquerade/crc32";
import { readFile, removeFile, replaceFile } from "../system/files";
import { fail, type Outcome, succeed } from "../system/outcome";
import { unsigned } from "../wire/word";

export const WIRE_MARK = "VM1S ";
/** With the mark, a number of four digits and the checksum a line has 79 characters. */
const LINE_BYTES = 48;
/** Packed: the document of a full table has a fifth of this. */
const PACKED_BYTES_MAX = 400_000;

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function digit(value: number): string {
  return string.sub(DIGITS, value + 1, value + 1);
}

/** RFC 4648 §4. */
export function base64(bytes: string): string {
  const parts: string[] = [];
  const length = string.len(bytes);
  for (let at = 1; at <= length; at += 3) {
    const [first, second = 0, third = 0] = string.byte(bytes, at, at + 2);
    const group = (first << 16) | (second << 8) | third;
    parts.push(digit(group >> 18), digit((group >> 12) & 63));
    parts.push(at + 1 > length ? "=" : digit((group >> 6) & 63), at + 2 > length ? "=" : digit(group & 63));
  }
  return table.concat(parts);
}

export type Packing = "gzip" | "plain";

export interface Packed {
  readonly packing: Packing;
  readonly bytes: string;
}

/** Packs by the program gzip, which OpenWrt's busybox has; as it is where that is missing. @param path for files beside */
export function pack(text: string, path: string): Packed {
  const [written] = replaceFile(path, text, { sync: false, mode: 0o600 });
  if (written === undefined) return { packing: "plain", bytes: text };
  os.execute(`gzip -9 -c '${path}' >'${path}.gz' 2>/dev/null`);
  const [bytes] = readFile(`${path}.gz`, PACKED_BYTES_MAX);
  removeFile(path);
  removeFile(`${path}.gz`);
  return bytes === undefined || bytes === "" ? { packing: "plain", bytes: text } : { packing: "gzip", bytes };
}

/** All lines, from begin to end. */
export function wireLines({ packing, bytes }: Packed): string[] {
  const length = string.len(bytes);
  const count = Math.ceil(length / LINE_BYTES);
  const checksum = string.format("%08x", unsigned(crc32(bytes)));
  const lines = [sealed(`${WIRE_MARK}begin ${count} ${length} ${checksum} ${packing}`)];
  for (const number of $range(1, count)) {
    const part = string.sub(bytes, (number - 1) * LINE_BYTES + 1, number * LINE_BYTES);
    lines.push(sealed(`${WIRE_MARK}${number} ${base64(part)}`));
  }
  lines.push(sealed(`${WIRE_MARK}end ${count}`));
  return lines;
}

const RANGE_ACCEPTED = 'numbers of lines as "3,7-9"';

/** The numbers that "3,7-9" names, none above `most`; a range takes at most all. */
function numbersOf(list: string, most: number): Outcome<number[]> {
  const numbers: number[] = [];
  for (const [part] of string.gmatch(`${list},`, "([^,]*),")) {
    const [first, last] = string.match(part, "^(%d+)%-(%d+)$");
    const from = tonumber(first ?? part);
    const to = tonumber(last ?? part);
    const isNumber = string.match(part, "^%d+%-?%d*$")[0] !== undefined;
    if (!isNumber || from === undefined || to === undefined || from < 1 || to > most || from > to) {
      return fail(`"${part}": use ${RANGE_ACCEPTED}, from 1 to ${most}`);
    }
    for (const number of $range(from, to)) numbers.push(number);
  }
  return succeed(numbers);
}

/** Those of the lines sent before that somebody asks for again, and the end. */
export function linesAgain(lines: readonly string[], list: string): Outcome<string[]> {
  const [numbers, problem] = numbersOf(list, lines.length - 2);
  if (numbers === undefined) return fail(problem);
  const again = numbers.map((number) => lines[number]);
  again.push(lines[lines.length - 1]);
  return succeed(again);
}
