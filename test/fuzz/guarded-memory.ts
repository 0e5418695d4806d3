// SPDX-License-Identifier: GPL-2.0-only
// Memory with pages on both sides that nobody may touch: a read one byte beyond an input that ends there, or one byte
// before an input that begins there, ends the process at once, where LuaJIT's FFI alone would give some byte.

import { bytePointer, type BytePtr, cast, declareC } from "../../src/system/ffi";

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
  mprotect(at: unknown, lengthBytes: number, protection: number): number;
}

const C = declareC<MappingLibrary>(`
  void *mmap(void *at, size_t length, int protection, int flags, int fd, long offset, long offset_high, long padding);
  int mprotect(void *at, size_t length, int protection);
`);

/** sys/mman.h of x86 and ARM: fuzzers run on the build machine. */
const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
/** The largest page in use on Linux' build machines (arm64); smaller ones divide it. */
const PAGE_BYTES = 65536;

export class GuardedMemory {
  /** The first byte that may be touched. */
  readonly start: BytePtr;

  /** @param capacityBytes at most a page */
  constructor(readonly capacityBytes = PAGE_BYTES) {
    const mapped = C.mmap(undefined, 3 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0, 0, 0);
    this.start = cast(bytePointer, mapped).plus(PAGE_BYTES);
    if (C.mprotect(this.start, PAGE_BYTES, PROT_READ_WRITE) !== 0) error("no memory with guard pages", 0);
  }

  /** Where an input of this length must begin to end right before the guard. */
  endingAt(lengthBytes: number): BytePtr {
    return this.start.plus(PAGE_BYTES - lengthBytes);
  }
}
