// SPDX-License-Identifier: GPL-2.0-only
// A program as a person reads it: what the bytes say that the kernel gets, and not what the source meant.

import { INSTRUCTION_BYTES } from "./assembler";
import {
  arithmetic,
  CALL,
  conditions,
  EXIT,
  FROM_REGISTER,
  helper,
  instructionClass,
  JUMP_ALWAYS,
  mode,
  PSEUDO_MAP,
  PSEUDO_MAP_VALUE,
  sizeCode,
  TO_NETWORK,
} from "./instruction";

const OPERATORS: Record<number, string> = {
  [arithmetic.add]: "+=",
  [arithmetic.subtract]: "-=",
  [arithmetic.or]: "|=",
  [arithmetic.and]: "&=",
  [arithmetic.shiftLeft]: "<<=",
  [arithmetic.shiftRight]: ">>=",
  [arithmetic.xor]: "^=",
  [arithmetic.move]: ":=",
};

/** Code, registers, offset and constant as the CPU of this byte order would read them. */
interface Decoded {
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly constant: number;
}

function decode(program: string, at: number, isLittleEndian: boolean): Decoded {
  const [code, registers, o1, o2, c1, c2, c3, c4] = string.byte(program, at + 1, at + INSTRUCTION_BYTES);
  const offset = isLittleEndian ? o1 + o2 * 256 : o1 * 256 + o2;
  const constant = isLittleEndian ? c1 | (c2 << 8) | (c3 << 16) | (c4 << 24) : c4 | (c3 << 8) | (c2 << 16) | (c1 << 24);
  const low = registers & 0xf;
  const high = registers >> 4;
  return {
    code,
    destination: isLittleEndian ? low : high,
    source: isLittleEndian ? high : low,
    offset: offset >= 0x8000 ? offset - 0x10000 : offset,
    constant,
  };
}

function keyOf(numbers: Readonly<Record<string, number>>, wanted: number): string {
  for (const [name, value] of Object.entries(numbers)) if (value === wanted) return name;
  return `?${wanted}`;
}

function memory(register: number, { offset, code }: Decoded): string {
  const bits = { [sizeCode[1]]: 8, [sizeCode[2]]: 16, [sizeCode[4]]: 32, [sizeCode[8]]: 64 }[code & 0x18];
  return `${bits} bits of [r${register} ${offset < 0 ? "-" : "+"} ${Math.abs(offset)}]`;
}

function operandOf({ code, source, constant }: Decoded): string {
  return (code & FROM_REGISTER) !== 0 ? `r${source}` : `${constant}`;
}

function jumpText(decoded: Decoded, at: number): string {
  const { code, destination, offset, constant } = decoded;
  const operation = code & 0xf0;
  if (operation === CALL) return `r0 := ${keyOf(helper, constant)}(r1 … r5)`;
  if (operation === EXIT) return "exit with r0";
  const target = at + offset + 1;
  if (operation === JUMP_ALWAYS) return `go to ${target}`;
  const width = (code & 7) === instructionClass.jmp32 ? " (32 bits)" : "";
  return `if r${destination} ${keyOf(conditions, operation)} ${operandOf(decoded)}${width} go to ${target}`;
}

function constant64Text({ destination, source, constant }: Decoded): string {
  if (source === PSEUDO_MAP) return `r${destination} := map ${constant}`;
  if (source === PSEUDO_MAP_VALUE) return `r${destination} := first value of map ${constant}`;
  return `r${destination} := ${constant} (64 bits)`;
}

function packetText({ code, source, constant }: Decoded): string {
  const isIndirect = (code & 0xe0) === mode.indirect;
  const bits = { [sizeCode[1]]: 8, [sizeCode[2]]: 16, [sizeCode[4]]: 32 }[code & 0x18];
  return `r0 := ${bits} bits of the packet at ${isIndirect ? `r${source} + ` : ""}${constant}`;
}

function textOf(decoded: Decoded, at: number): string {
  const { code, destination, source, constant } = decoded;
  switch (code & 7) {
    case instructionClass.ldx:
      return `r${destination} := ${memory(source, decoded)}`;
    case instructionClass.st:
      return `${memory(destination, decoded)} := ${constant}`;
    case instructionClass.stx:
      return `${memory(destination, decoded)} ${(code & 0xe0) === mode.atomic ? "+= atomically" : ":="} r${source}`;
    case instructionClass.jmp:
    case instructionClass.jmp32:
      return jumpText(decoded, at);
    case instructionClass.ld:
      return (code & 0xe0) === mode.immediate ? constant64Text(decoded) : packetText(decoded);
    default:
      if ((code & 0xf8) === TO_NETWORK) return `r${destination} := network order of its ${constant} bits`;
      return `r${destination} ${OPERATORS[code & 0xf0] ?? "?"} ${operandOf(decoded)}`;
  }
}

/** A line an instruction: its number, and what it does. */
export function disassemble(program: string, isLittleEndian: boolean): string[] {
  const lines: string[] = [];
  const count = string.len(program) / INSTRUCTION_BYTES;
  let at = 0;
  while (at < count) {
    const decoded = decode(program, at * INSTRUCTION_BYTES, isLittleEndian);
    lines.push(string.format("%4d  %s", at, textOf(decoded, at)));
    const isWide = decoded.code === instructionClass.ld + mode.immediate + sizeCode[8];
    at += isWide ? 2 : 1;
  }
  return lines;
}
