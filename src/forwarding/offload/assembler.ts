// SPDX-License-Identifier: GPL-2.0-only
// Turns steps into the bytes that the kernel loads: `struct bpf_insn` of linux/bpf.h, eight bytes an instruction.
//
// The two registers share a byte as bit fields of C: the destination in the low half where the CPU stores the low byte
// first, in the high half elsewhere. Offset and constant are in the CPU's byte order.

import type { Step } from "./instruction";

export const INSTRUCTION_BYTES = 8;

/** Where each label points: the number of instructions before it. */
function placesOf(steps: readonly Step[]): LuaMap<string, number> {
  const places = new LuaMap<string, number>();
  let count = 0;
  for (const step of steps) {
    if (step.label === undefined) {
      count += step.high === undefined ? 1 : 2;
    } else {
      if (places.has(step.label)) error(`eBPF program: label "${step.label}" stands twice`);
      places.set(step.label, count);
    }
  }
  return places;
}

function distance(places: LuaMap<string, number>, from: number, step: Step): number {
  if (step.to === undefined) return step.offset;
  const place = places.get(step.to);
  if (place === undefined) error(`eBPF program: no label "${step.to}"`);
  return place - from - 1;
}

function number16(value: number, isLittleEndian: boolean): string {
  const low = value & 0xff;
  const high = (value >> 8) & 0xff;
  return isLittleEndian ? string.char(low, high) : string.char(high, low);
}

function number32(value: number, isLittleEndian: boolean): string {
  const low = number16(value & 0xffff, isLittleEndian);
  const high = number16((value >> 16) & 0xffff, isLittleEndian);
  return isLittleEndian ? low + high : high + low;
}

function encode(step: Step, offset: number, isLittleEndian: boolean): string {
  const { code, destination, source, constant } = step;
  const registers = isLittleEndian ? destination + source * 16 : destination * 16 + source;
  const first = string.char(code, registers) + number16(offset, isLittleEndian) + number32(constant, isLittleEndian);
  if (step.high === undefined) return first;
  return first + string.rep("\0", 4) + number32(step.high, isLittleEndian);
}

/**
 * The bytes of a program, for a CPU that stores the low byte first or last. A label that is missing or doubled is a
 * mistake of the program: an error.
 */
export function assemble(steps: readonly Step[], isLittleEndian: boolean): string {
  const places = placesOf(steps);
  const parts: string[] = [];
  let at = 0;
  for (const step of steps) {
    if (step.label === undefined) {
      parts.push(encode(step, distance(places, at, step), isLittleEndian));
      at += step.high === undefined ? 1 : 2;
    }
  }
  return parts.join("");
}
