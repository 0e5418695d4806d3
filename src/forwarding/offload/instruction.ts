// SPDX-License-Identifier: GPL-2.0-only
// The instructions of eBPF as words to write a program with: registers, named fields, labels.
//
// A program is a list of steps. No compiler, no libbpf and no BTF: a router has none of them, and the MIPS kernels of
// OpenWrt could not take what those make. Sources: linux/bpf.h, linux/bpf_common.h, and RFC 9669, the instruction set.

/** r0: results; r1 … r5: arguments, lost in calls; r6 … r9: kept in calls; r10: the end of the 512 bytes of stack. */
export type Register = "r0" | "r1" | "r2" | "r3" | "r4" | "r5" | "r6" | "r7" | "r8" | "r9" | "r10";

/** A register, or a constant of 32 bits that is extended with its sign. */
export type Operand = Register | number;

/** A field of a packet, of a map's value or of the stack: where it starts and how long it is, in bytes. */
export interface Field {
  readonly at: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

/** One instruction, or a label when `label` is given. */
export interface Step {
  readonly label?: string;
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  /** Of a field; a jump's is found from `to`. */
  readonly offset: number;
  readonly constant: number;
  /** The label a jump goes to. */
  readonly to?: string;
  /** The high half of a constant of 64 bits, which takes the place of two instructions. */
  readonly high?: number;
}

/** linux/bpf_common.h and linux/bpf.h: the low three bits of a code. */
export const instructionClass = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, jmp32: 6, alu64: 7 } as const;
/** The size of what is loaded or stored, by bytes. */
export const sizeCode: Record<number, number> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
/** How memory is addressed. */
export const mode = { immediate: 0x00, absolute: 0x20, indirect: 0x40, memory: 0x60, atomic: 0xc0 } as const;
/** The operand is a register. */
export const FROM_REGISTER = 0x08;
/** Arithmetic, on 64 bits. */
export const arithmetic = {
  add: 0x00,
  subtract: 0x10,
  or: 0x40,
  and: 0x50,
  shiftLeft: 0x60,
  shiftRight: 0x70,
  xor: 0xa0,
  move: 0xb0,
} as const;
/** BPF_END with BPF_TO_BE: swaps on a CPU that stores the low byte first, and only cuts on others. */
export const TO_NETWORK = 0xd0 + 0x08;
/** Conditions of jumps; those with an s compare with the sign. */
export const conditions = {
  "==": 0x10,
  ">": 0x20,
  ">=": 0x30,
  has: 0x40,
  "!=": 0x50,
  ">s": 0x60,
  ">=s": 0x70,
  "<": 0xa0,
  "<=": 0xb0,
  "<s": 0xc0,
  "<=s": 0xd0,
} as const;
export type Condition = keyof typeof conditions;
export const JUMP_ALWAYS = 0x00;
export const CALL = 0x80;
export const EXIT = 0x90;
/** What the source register of a 64-bit constant says: a map by its descriptor, or the first value of one. */
export const PSEUDO_MAP = 1;
export const PSEUDO_MAP_VALUE = 2;

/** linux/bpf.h: functions of the kernel that programs call. */
export const helper = {
  lookUp: 1,
  /** As CLOCK_MONOTONIC. */
  time: 5,
  redirect: 23,
  /** Kernels from 5.11: as CLOCK_MONOTONIC_COARSE, a memory access where the exact time may be a device's. */
  coarseTime: 160,
} as const;

/** The number of a register. */
export function numberOf(register: Register): number {
  return tonumber(string.sub(register, 2))!;
}

function isRegister(operand: Operand): operand is Register {
  return type(operand) === "string";
}

/** A place to jump to. */
export function label(name: string): Step {
  return { label: name, code: 0, destination: 0, source: 0, offset: 0, constant: 0 };
}

function withOperand(code: number, destination: Register, operand: Operand, to?: string): Step {
  const step = { destination: numberOf(destination), offset: 0, ...(to === undefined ? {} : { to }) };
  if (isRegister(operand)) return { ...step, code: code + FROM_REGISTER, source: numberOf(operand), constant: 0 };
  return { ...step, code, source: 0, constant: operand };
}

/** Arithmetic on all 64 bits: `destination := destination OPERATION operand`. */
export function compute(operation: keyof typeof arithmetic, destination: Register, operand: Operand): Step {
  return withOperand(instructionClass.alu64 + arithmetic[operation], destination, operand);
}

export function move(destination: Register, operand: Operand): Step {
  return compute("move", destination, operand);
}

export function add(destination: Register, operand: Operand): Step {
  return compute("add", destination, operand);
}

/** The low 16 or 32 bits from network byte order to the CPU's, or back; the others become 0. */
export function toNetwork(destination: Register, bits: 16 | 32): Step {
  const code = instructionClass.alu + TO_NETWORK;
  return { code, destination: numberOf(destination), source: 0, offset: 0, constant: bits };
}

/** `destination := ` the field of what `base` points to; the bits above become 0. */
export function load(destination: Register, base: Register, field: Field): Step {
  const code = instructionClass.ldx + mode.memory + sizeCode[field.bytes];
  return { code, destination: numberOf(destination), source: numberOf(base), offset: field.at, constant: 0 };
}

/** The field of what `base` points to := `source`. */
export function store(base: Register, field: Field, source: Operand): Step {
  const size = mode.memory + sizeCode[field.bytes];
  const step = { destination: numberOf(base), offset: field.at };
  if (isRegister(source)) {
    return { ...step, code: instructionClass.stx + size, source: numberOf(source), constant: 0 };
  }
  return { ...step, code: instructionClass.st + size, source: 0, constant: source };
}

/** Adds to a field that other CPUs may be adding to (BPF_ATOMIC with BPF_ADD, 64 bits). */
export function atomicAdd(base: Register, field: Field, source: Register): Step {
  const code = instructionClass.stx + mode.atomic + sizeCode[field.bytes];
  return { code, destination: numberOf(base), source: numberOf(source), offset: field.at, constant: 0 };
}

/** Goes to a label. */
export function jump(to: string): Step {
  return { code: instructionClass.jmp + JUMP_ALWAYS, destination: 0, source: 0, offset: 0, constant: 0, to };
}

/** Goes to a label when the condition holds for all 64 bits. */
export function jumpIf(register: Register, condition: Condition, operand: Operand, to: string): Step {
  return withOperand(instructionClass.jmp + conditions[condition], register, operand, to);
}

/** Goes to a label when the condition holds for the low 32 bits: for addresses and sequence numbers. */
export function jumpIf32(register: Register, condition: Condition, operand: Operand, to: string): Step {
  return withOperand(instructionClass.jmp32 + conditions[condition], register, operand, to);
}

/** r0 := a function of the kernel with r1 … r5. */
export function call(functionName: keyof typeof helper): Step {
  const code = instructionClass.jmp + CALL;
  return { code, destination: 0, source: 0, offset: 0, constant: helper[functionName] };
}

/** Ends with r0 as the result. */
export function exit(): Step {
  return { code: instructionClass.jmp + EXIT, destination: 0, source: 0, offset: 0, constant: 0 };
}

function load64(destination: Register, source: number, low: number, high: number): Step {
  const code = instructionClass.ld + mode.immediate + sizeCode[8];
  return { code, destination: numberOf(destination), source, offset: 0, constant: low, high };
}

/** `destination := ` the map of a descriptor, for the function `lookUp`. */
export function loadMap(destination: Register, descriptor: number): Step {
  return load64(destination, PSEUDO_MAP, descriptor, 0);
}

/** `destination := ` a pointer to the first value of an array: no function need be called. */
export function loadFirstValue(destination: Register, descriptor: number): Step {
  return load64(destination, PSEUDO_MAP_VALUE, descriptor, 0);
}

/** r0 := 1, 2 or 4 bytes of the packet of a socket filter (r6), in the CPU's byte order (BPF_ABS). */
export function loadAbsolute(at: number, bytes: 1 | 2 | 4): Step {
  const code = instructionClass.ld + mode.absolute + sizeCode[bytes];
  return { code, destination: 0, source: 0, offset: 0, constant: at };
}

/** The same at a register plus a constant (BPF_IND). */
export function loadIndirect(from: Register, at: number, bytes: 1 | 2 | 4): Step {
  const code = instructionClass.ld + mode.indirect + sizeCode[bytes];
  return { code, destination: 0, source: numberOf(from), offset: 0, constant: at };
}
