// SPDX-License-Identifier: GPL-2.0-only
// What the programs need to know of the machine and of each other: descriptors of maps, the interface, the CPU.

import type { Bytes } from "../../../wire/bytes";
import type { Field, Register } from "../instruction";

/** Descriptors of the maps that all programs share. */
export interface MapDescriptors {
  readonly outbound: number;
  readonly inbound: number;
  readonly hops: number;
  readonly lease: number;
  readonly tallies: number;
}

export interface Environment {
  readonly maps: MapDescriptors;
  /** Of the interface that the packets come in by: only frames to it are for the router. */
  readonly hardwareAddress: Bytes;
  readonly isLittleEndian: boolean;
  /** Whether this CPU's compiler in the kernel knows atomic additions of 64 bits; that of 32-bit ARM does not. */
  readonly hasAtomics: boolean;
  /** Whether TCP and UDP are ours too (`scope all`). */
  readonly hasFlows: boolean;
}

/** Which way packets go: a program's interface is the clients' (LAN) or the servers' (WAN). */
export type Direction = "outbound" | "inbound";

/** Where the key of a look-up is put together on the stack. */
export const KEY_AT = -16;
/** The number of a row, for look-ups in arrays. */
export const ROW_KEY: Field = { at: -20, bytes: 4 };
/** A classifier's context, kept while its register serves another purpose. */
export const CONTEXT_COPY: Field = { at: -32, bytes: 8 };

/** Who holds what, in all programs. r1 … r5 are lost in every call of the kernel. */
export const held = {
  /** What the kernel calls the program with; needed at the start only. */
  context: "r6",
  /** The next hop, in the same register. */
  hop: "r6",
  /** The network header. */
  network: "r7",
  /** The entry that was found. */
  entry: "r8",
  /** Of the IP packet. */
  lengthBytes: "r9",
} as const satisfies Record<string, Register>;

/** A constant of 16 bits as a load gives it from a packet. */
export function network16(value: number, isLittleEndian: boolean): number {
  return isLittleEndian ? ((value & 0xff) << 8) | (value >> 8) : value;
}

/** The bytes from `at` as a load of 32 bits gives them, signed. */
export function loaded32(bytes: Bytes, at: number, isLittleEndian: boolean): number {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return isLittleEndian ? a | (b << 8) | (c << 16) | (d << 24) : d | (c << 8) | (b << 16) | (a << 24);
}

/** The same of 16 bits, unsigned. */
export function loaded16(bytes: Bytes, at: number, isLittleEndian: boolean): number {
  return isLittleEndian ? bytes[at] | (bytes[at + 1] << 8) : bytes[at + 1] | (bytes[at] << 8);
}
