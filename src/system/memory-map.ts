// SPDX-License-Identifier: GPL-2.0-only
// Memory mapped from a file or a socket, mmap(2), so that both sides see the same bytes without copying.

import { lastError } from "./errno";
import { type BytePtr, bytePointer, cast, declareC, typeOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** @noSelf */
interface MappingLibrary {
  mmap(
    at: undefined,
    lengthBytes: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
    offsetHigh: number,
    padding: number,
  ): unknown;
  munmap(memory: BytePtr, lengthBytes: number): number;
}

// mmap's offset is 32 or 64 bits wide, depending on the C library; zeros in every place it can be in fit both.
const C = declareC<MappingLibrary>(`
  void *mmap(void *at, size_t length, int protection, int flags, int fd, long offset, long offset_high, long padding);
  int munmap(void *memory, size_t length);
`);

/** sys/mman.h, equal everywhere. */
export const PROT_NONE = 0;
export const PROT_READ_WRITE = 1 + 2;
export const MAP_SHARED = 1;

/**
 * Maps the first bytes of what a descriptor stands for; it may be closed afterwards.
 * @param protection PROT_NONE or PROT_READ_WRITE
 * @param flags MAP_SHARED, or others of sys/mman.h
 * @returns the memory, to be given back with {@link unmapMemory}
 */
export function mapMemory(fd: number, lengthBytes: number, protection: number, flags: number): Outcome<BytePtr> {
  const mapped = C.mmap(undefined, lengthBytes, protection, flags, fd, 0, 0, 0);
  if (isMapFailed(mapped)) return fail(lastError(`${lengthBytes} bytes of memory cannot be mapped`));
  return succeed(cast(bytePointer, mapped));
}

/** Gives back what {@link mapMemory} gave, of the same length. */
export function unmapMemory(memory: BytePtr, lengthBytes: number): void {
  C.munmap(memory, lengthBytes);
}

/** MAP_FAILED is the pointer with all bits set. */
function isMapFailed(mapped: unknown): boolean {
  return tonumber(cast(typeOf<number>("intptr_t"), mapped)) === -1;
}
