// SPDX-License-Identifier: GPL-2.0-only
// Programs and links: eBPF that the kernel has checked, and what it is attached to.
//
// A link belongs to its descriptor. When the last one is closed, by us or by our end, however that comes about, the kernel
// takes the program from the interface.

import { addressOf, bpf, bpfCommand } from "./bpf-call";
import { describeError } from "./errno";
import { byteArray, type BytePtr, copyBytes, create, lastErrorNumber, sizeOf, stringOf, typeOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** linux/bpf.h: enum bpf_prog_type. */
export const programKind = { classifier: 3, xdp: 6 } as const;

/** linux/bpf.h, linux/if_link.h: where a link puts a program, and how. */
const BPF_XDP = 37;
const BPF_TCX_INGRESS = 46;
const XDP_FLAGS_SKB_MODE = 2;
const XDP_FLAGS_DRIVER_MODE = 4;
/** linux/bpf.h: as the verifier of a CPU without unaligned loads. */
const BPF_F_STRICT_ALIGNMENT = 1;

const INSTRUCTION_BYTES = 8;
/** The verifier's reasons: its last lines tell the mistake. */
const LOG_BYTES = 64 * 1024;
const LOG_LINES_SHOWN = 4;
const LICENCE = "GPL";

interface LoadAttributes {
  kind: number;
  instructions: number;
  program: number;
  licence: number;
  logLevel: number;
  logBytes: number;
  log: number;
  flags: number;
  readonly name: BytePtr;
}

const loadType = typeOf<LoadAttributes>(`struct {
  uint32_t kind, instructions; uint64_t program, licence; uint32_t logLevel, logBytes; uint64_t log;
  uint32_t kernelVersion, flags; uint8_t name[16];
}`);

/** struct { … } link_create */
interface LinkAttributes {
  program: number;
  interfaceIndex: number;
  place: number;
  flags: number;
}

const linkType = typeOf<LinkAttributes>("struct { uint32_t program, interfaceIndex, place, flags; uint64_t more[4]; }");

export interface ProgramOptions {
  /** For people who list the kernel's programs; at most 15 letters. */
  readonly name: string;
  readonly kind: keyof typeof programKind;
  /** Have it checked as where words must lie at multiples of their size. */
  readonly isAlignmentStrict?: boolean;
}

function attributesFor({ name, kind, isAlignmentStrict }: ProgramOptions, program: string): LoadAttributes {
  const attributes = create(loadType);
  attributes.kind = programKind[kind];
  attributes.instructions = string.len(program) / INSTRUCTION_BYTES;
  attributes.program = addressOf(program);
  attributes.licence = addressOf(LICENCE);
  attributes.flags = isAlignmentStrict === true ? BPF_F_STRICT_ALIGNMENT : 0;
  copyBytes(attributes.name, name, math.min(string.len(name), 15));
  return attributes;
}

/** The end of the verifier's log, in one line. */
function lastWords(log: string): string {
  const lines: string[] = [];
  for (const [line] of string.gmatch(log, "[^\n]+")) if (!line.startsWith("processed ")) lines.push(line);
  return lines.slice(-LOG_LINES_SHOWN).join("; ");
}

/** Has the kernel check and keep a program. @returns its descriptor; an error ends with what the verifier said */
export function loadProgram(options: ProgramOptions, program: string): Outcome<number> {
  const attributes = attributesFor(options, program);
  const fd = bpf(bpfCommand.loadProgram, attributes, sizeOf(loadType));
  if (fd >= 0) return succeed(fd);
  const refusal = `eBPF program ${options.name} refused: ${describeError(lastErrorNumber())}`;
  // A log costs memory and time, so it is asked for when there is something to tell.
  const log = create(byteArray, LOG_BYTES);
  attributes.log = addressOf(log);
  attributes.logBytes = LOG_BYTES;
  attributes.logLevel = 1;
  const again = bpf(bpfCommand.loadProgram, attributes, sizeOf(loadType));
  if (again >= 0) return succeed(again);
  const words = lastWords(stringOf(log));
  return fail(words === "" ? refusal : `${refusal}: ${words}`);
}

/** Where on an interface a link puts a program; the driver's XDP, or the kernel's for any interface. */
export type LinkPlace = "native XDP" | "generic XDP" | "tcx";

const places: Record<LinkPlace, readonly [place: number, flags: number]> = {
  "native XDP": [BPF_XDP, XDP_FLAGS_DRIVER_MODE],
  "generic XDP": [BPF_XDP, XDP_FLAGS_SKB_MODE],
  tcx: [BPF_TCX_INGRESS, 0],
};

/** Attaches a program for as long as the descriptor that is returned is open. Whatever is there already stays. */
export function attachProgram(program: number, interfaceIndex: number, place: LinkPlace): Outcome<number> {
  const attributes = create(linkType);
  attributes.program = program;
  attributes.interfaceIndex = interfaceIndex;
  [attributes.place, attributes.flags] = places[place];
  const fd = bpf(bpfCommand.createLink, attributes, sizeOf(linkType));
  if (fd < 0) return fail(`${place}: ${describeError(lastErrorNumber())}`);
  return succeed(fd);
}
