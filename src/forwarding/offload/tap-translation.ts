// SPDX-License-Identifier: GPL-2.0-only
// A tap's classic filter as eBPF, for the program at tcx or tc that chooses in its place what the daemon gets.
//
// The kernel does the same with each classic filter it is given (net/core/filter.c, bpf_convert_filter). What tap-filter.ts
// writes is translated, and nothing more. A packet that ends before a byte that is asked for ends the program, with 0, which
// is the kernel's to have.

import { ancillary, type FilterInstruction } from "../../system/socket-filter";
import { toWord } from "../../wire/word";
import {
  compute,
  type Condition,
  type Field,
  jump,
  jumpIf32,
  label,
  load,
  loadAbsolute,
  loadIndirect,
  move,
  type Step,
  toNetwork,
} from "./instruction";
import { packetContext } from "./layout";
import { held } from "./programs/environment";

/** The classic machine's two registers. */
const A = "r7";
const X = "r8";

/** linux/bpf_common.h */
const BPF_RET = 0x06;
/** Also the class of all jumps. */
const BPF_JA = 0x05;
const CLASS_MASK = 0x07;
const MODE_MASK = 0xe0;
const SIZE_MASK = 0x18;
const BPF_LD = 0x00;
const BPF_LDX = 0x01;
const BPF_ALU = 0x04;
const BPF_IND = 0x40;
const SIZES: Record<number, 1 | 2 | 4> = { 0x00: 4, 0x08: 2, 0x10: 1 };
const CONDITIONS: Record<number, Condition> = { 0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "has" };
/** X := 4 × the low nibble of a byte. */
const NIBBLE = 0x0f;
const WORD_SHIFT = 2;

/** What the kernel knows beside the bytes stands in the context. */
const KNOWN: Record<number, Field> = {
  [ancillary.packetType]: packetContext.packetType,
  [ancillary.vlanTag]: packetContext.tag,
};

function loadIntoA({ code, operand }: FilterInstruction): Step[] {
  const known = KNOWN[operand];
  if (operand === ancillary.protocol) return [load(A, held.context, packetContext.protocol), toNetwork(A, 16)];
  if (known !== undefined) return [load(A, held.context, known)];
  const bytes = SIZES[code & SIZE_MASK];
  const isIndirect = (code & MODE_MASK) === BPF_IND;
  return [isIndirect ? loadIndirect(X, operand, bytes) : loadAbsolute(toWord(operand), bytes), move(A, "r0")];
}

function place(index: number): string {
  return `classic ${index}`;
}

function translate(instruction: FilterInstruction, index: number): Step[] {
  const { code, operand, jumpTrue, jumpFalse } = instruction;
  if (code === BPF_RET) return [jump(operand === 0 ? "rejected" : "accepted")];
  if (code === BPF_JA) return [jump(place(index + 1 + operand))];
  switch (code & CLASS_MASK) {
    case BPF_LD:
      return loadIntoA(instruction);
    case BPF_LDX:
      return [
        loadAbsolute(operand, 1),
        compute("and", "r0", NIBBLE),
        compute("shiftLeft", "r0", WORD_SHIFT),
        move(X, "r0"),
      ];
    case BPF_ALU:
      return [compute("and", A, toWord(operand))];
    default: {
      const condition = CONDITIONS[code & 0xf0];
      if (condition === undefined) error(`socket filter: code ${code} has no translation`);
      return [jumpIf32(A, condition, toWord(operand), place(index + 1 + jumpTrue)), jump(place(index + 1 + jumpFalse))];
    }
  }
}

/** The instructions that may come after one, as numbers: none after the end. */
function successors({ code, operand, jumpTrue, jumpFalse }: FilterInstruction, index: number): number[] {
  if (code === BPF_RET) return [];
  if (code === BPF_JA) return [index + 1 + operand];
  return (code & CLASS_MASK) === BPF_JA ? [index + 1 + jumpTrue, index + 1 + jumpFalse] : [index + 1];
}

/**
 * The steps of a classic filter, which end at the label "accepted" or "rejected"; the context is in its register. What is
 * never reached the verifier would refuse.
 */
export function translateFilter(filter: readonly FilterInstruction[]): Step[] {
  const reached = new LuaSet<number>();
  reached.add(0);
  const steps: Step[] = [move(A, 0), move(X, 0)];
  for (const [index, instruction] of filter.entries()) {
    if (reached.has(index)) {
      for (const next of successors(instruction, index)) reached.add(next);
      steps.push(label(place(index)), ...translate(instruction, index));
    }
  }
  return steps;
}
