// SPDX-License-Identifier: GPL-2.0-only
// Classic BPF socket filters: a readable way to write one, and to give it to a socket.
//
// The kernel runs the filter on every frame before the socket gets a copy, so frames that are not wanted cost next to
// nothing. A program is a list of instructions and labels; jumps go forward only, to labels, as the kernel demands.
// Source: linux/filter.h, linux/bpf_common.h, Documentation/networking/filter.rst.

import { abi } from "./abi/constants";
import { lastError } from "./errno";
import { create, declareC, type Ptr, sizeOf, typeOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";
import { toWord } from "../wire/word";

/** One step of a program: an instruction, or a label when `label` is given. */
export interface FilterStep {
  readonly code: number;
  /** The operand, a constant or an offset, as an unsigned or signed 32-bit number. */
  readonly operand: number;
  readonly label?: string;
  /** Where to go when the condition holds and when not; the next step when not given. */
  readonly onTrue?: string | undefined;
  readonly onFalse?: string | undefined;
}

/** An assembled instruction, `struct sock_filter`. */
export interface FilterInstruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly operand: number;
}

// linux/bpf_common.h: classes, sizes, modes and operations, added up to an instruction's code.
const BPF_LD = 0x00;
const BPF_LDX = 0x01;
const BPF_ALU = 0x04;
const BPF_JMP = 0x05;
const BPF_RET = 0x06;
const BPF_W = 0x00;
const BPF_H = 0x08;
const BPF_B = 0x10;
const BPF_ABS = 0x20;
const BPF_IND = 0x40;
const BPF_MSH = 0xa0;
const BPF_AND = 0x50;
const BPF_JA = 0x00;
const BPF_JEQ = 0x10;
const BPF_JGE = 0x30;
const BPF_JSET = 0x40;

/** linux/filter.h: SKF_AD_OFF and SKF_NET_OFF. */
const ANCILLARY_OFFSET = -0x1000;
const NETWORK_OFFSET = -0x100000;

/** What the kernel knows about a frame beside its bytes; offsets for {@link loadWord} (SKF_AD_…, linux/filter.h). */
export const ancillary = {
  protocol: ANCILLARY_OFFSET,
  packetType: ANCILLARY_OFFSET + 4,
  mark: ANCILLARY_OFFSET + 20,
  vlanTag: ANCILLARY_OFFSET + 44,
} as const;

/** The offset of byte `at` of the network header, wherever the link header ends. */
export function networkOffset(at: number): number {
  return NETWORK_OFFSET + at;
}

/** The longest program the kernel takes: BPF_MAXINSNS. */
const INSTRUCTIONS_MAX = 4096;
/** A jump's distance is one byte; an unconditional one has 32 bits. */
const JUMP_MAX = 255;
/** How much of an accepted frame the socket gets: all of it. */
const WHOLE_FRAME = 0x7fffffff;

/** A place to jump to. */
export function label(name: string): FilterStep {
  return { code: 0, operand: 0, label: name };
}

/** A := 32 bits at a fixed offset. A frame that ends before is rejected, as for all loads. */
export function loadWord(at: number): FilterStep {
  return { code: BPF_LD + BPF_W + BPF_ABS, operand: at };
}

/** A := 16 bits at a fixed offset. */
export function loadHalf(at: number): FilterStep {
  return { code: BPF_LD + BPF_H + BPF_ABS, operand: at };
}

/** A := 8 bits at a fixed offset. */
export function loadByte(at: number): FilterStep {
  return { code: BPF_LD + BPF_B + BPF_ABS, operand: at };
}

/** A := 32 bits at X plus an offset. */
export function loadWordIndexed(at: number): FilterStep {
  return { code: BPF_LD + BPF_W + BPF_IND, operand: at };
}

/** A := 16 bits at X plus an offset. */
export function loadHalfIndexed(at: number): FilterStep {
  return { code: BPF_LD + BPF_H + BPF_IND, operand: at };
}

/** A := 8 bits at X plus an offset. */
export function loadByteIndexed(at: number): FilterStep {
  return { code: BPF_LD + BPF_B + BPF_IND, operand: at };
}

/** X := 4 × the low nibble of the byte at a fixed offset: the length of the IPv4 header that starts there. */
export function loadHeaderLength(at: number): FilterStep {
  return { code: BPF_LDX + BPF_B + BPF_MSH, operand: at };
}

/** A := A and `mask`. */
export function and(mask: number): FilterStep {
  return { code: BPF_ALU + BPF_AND, operand: mask };
}

/** Goes to a label. */
export function jump(to: string): FilterStep {
  return { code: BPF_JMP + BPF_JA, operand: 0, onTrue: to };
}

/** Compares A with `value`. */
export function jumpIfEqual(value: number, onTrue?: string, onFalse?: string): FilterStep {
  return { code: BPF_JMP + BPF_JEQ, operand: value, onTrue, onFalse };
}

/** Whether A, unsigned, is at least `value`. */
export function jumpIfAtLeast(value: number, onTrue?: string, onFalse?: string): FilterStep {
  return { code: BPF_JMP + BPF_JGE, operand: value, onTrue, onFalse };
}

/** Whether A has any bit of `mask`. */
export function jumpIfAnyBit(mask: number, onTrue?: string, onFalse?: string): FilterStep {
  return { code: BPF_JMP + BPF_JSET, operand: mask, onTrue, onFalse };
}

/** Ends: the socket gets the frame. */
export function accept(): FilterStep {
  return { code: BPF_RET, operand: WHOLE_FRAME };
}

/** Ends: the socket does not get the frame. */
export function reject(): FilterStep {
  return { code: BPF_RET, operand: 0 };
}

/** Where each label points: the number of instructions before it. */
function placesOf(steps: readonly FilterStep[]): LuaMap<string, number> {
  const places = new LuaMap<string, number>();
  let count = 0;
  for (const step of steps) {
    if (step.label === undefined) {
      count++;
    } else {
      if (places.has(step.label)) error(`socket filter: label "${step.label}" stands twice`);
      places.set(step.label, count);
    }
  }
  if (count === 0 || count > INSTRUCTIONS_MAX)
    error(`socket filter: ${count} instructions; 1 … ${INSTRUCTIONS_MAX} fit`);
  return places;
}

function distance(places: LuaMap<string, number>, from: number, to: string | undefined): number {
  if (to === undefined) return 0;
  const place = places.get(to);
  if (place === undefined) error(`socket filter: no label "${to}"`);
  const steps = place - from - 1;
  if (steps < 0) error(`socket filter: jump back to "${to}"; the kernel takes forward jumps only`);
  return steps;
}

function assembleStep(step: FilterStep, places: LuaMap<string, number>, from: number): FilterInstruction {
  const jumpTrue = distance(places, from, step.onTrue);
  const jumpFalse = distance(places, from, step.onFalse);
  if (step.code === BPF_JMP + BPF_JA) return { code: step.code, jumpTrue: 0, jumpFalse: 0, operand: jumpTrue };
  if (jumpTrue > JUMP_MAX || jumpFalse > JUMP_MAX) error(`socket filter: a condition jumps over more than ${JUMP_MAX}`);
  return { code: step.code, jumpTrue, jumpFalse, operand: step.operand };
}

/** Turns steps into instructions. A label that is missing, doubled or behind is a mistake of the program: an error. */
export function assemble(steps: readonly FilterStep[]): FilterInstruction[] {
  const places = placesOf(steps);
  const program: FilterInstruction[] = [];
  for (const step of steps) {
    if (step.label === undefined) program.push(assembleStep(step, places, program.length));
  }
  return program;
}

/** Lets nothing in. */
export const rejectAll: readonly FilterInstruction[] = assemble([reject()]);

/** struct sock_filter */
interface NativeInstruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

/** struct sock_fprog */
interface NativeProgram {
  length: number;
  filter: Ptr<NativeInstruction>;
}

/** @noSelf */
interface SocketOptionLibrary {
  setsockopt(fd: number, level: number, option: number, value: unknown, lengthBytes: number): number;
}

const C = declareC<SocketOptionLibrary>(
  "int setsockopt(int fd, int level, int option, const void *value, unsigned length);",
);

const instructionArray = typeOf<Ptr<NativeInstruction>>("struct { uint16_t code; uint8_t jt, jf; int32_t k; }[?]");
const programType = typeOf<NativeProgram>("struct { unsigned short length; void *filter; }");
const PROGRAM_BYTES = sizeOf(programType);

/** Gives a program to a socket, in the place of the one before; from now on only accepted frames enter. */
export function attachFilter(fd: number, program: readonly FilterInstruction[]): Outcome<true> {
  const instructions = create(instructionArray, program.length);
  for (const at of $range(0, program.length - 1)) {
    const instruction = program[at];
    const native = instructions[at];
    native.code = instruction.code;
    native.jt = instruction.jumpTrue;
    native.jf = instruction.jumpFalse;
    native.k = toWord(instruction.operand);
  }
  const native = create(programType);
  native.length = program.length;
  native.filter = instructions;
  if (C.setsockopt(fd, abi.SOL_SOCKET, abi.SO_ATTACH_FILTER, native, PROGRAM_BYTES) !== 0) {
    return fail(lastError(`socket filter of ${program.length} instructions refused`));
  }
  return succeed(true as const);
}
