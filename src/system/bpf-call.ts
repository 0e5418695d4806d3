// SPDX-License-Identifier: GPL-2.0-only
// bpf(2): the one system call behind maps, programs and links of eBPF.

import { abi } from "./abi/constants";
import { cast, declareC, typeOf } from "./ffi";

/** @noSelf */
interface BpfLibrary {
  vpnmasq_bpf(call: number, command: number, attributes: unknown, lengthBytes: number): number;
  close(fd: number): number;
}

const C = declareC<BpfLibrary>(`
  long vpnmasq_bpf(long call, long command, void *attributes, long length) __asm__("syscall");
  int close(int fd);
`);

/** linux/bpf.h: enum bpf_cmd. */
export const bpfCommand = {
  createMap: 0,
  lookUp: 1,
  update: 2,
  remove: 3,
  nextKey: 4,
  loadProgram: 5,
  testRun: 10,
  takeOut: 21,
  createLink: 28,
} as const;

const voidPointer = typeOf<unknown>("void*");
const addressNumber = typeOf<unknown>("uintptr_t");
const kernelPointer = typeOf<number>("uint64_t");

/** An address as the kernel's structures hold it: 64 bits on every CPU. Keeps nothing alive. */
export function addressOf(memory: unknown): number {
  return cast(kernelPointer, cast(addressNumber, cast(voidPointer, memory)));
}

/** What the command returns: a descriptor, or 0; negative when the kernel refused. */
export function bpf(command: number, attributes: unknown, lengthBytes: number): number {
  return tonumber(C.vpnmasq_bpf(abi.SYS_bpf, command, attributes, lengthBytes))!;
}

/** Gives up a map, program or link; the last descriptor takes a link's program from its interface. */
export function closeBpf(fd: number): void {
  C.close(fd);
}
