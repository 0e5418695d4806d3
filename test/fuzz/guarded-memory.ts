// SPDX-License-Identifier: GPL-2.0-only
// Memory with pages on both sides that nobody may touch: a read one byte beyond an input that ends there, or one byte
// before an input that begins there, ends the process at once, where LuaJIT's FFI alone would give some byte.

import { type BytePtr, declareC } from "../../src/system/ffi";
import { mapMemory, PROT_NONE, PROT_READ_WRITE } from "../../src/system/memory-map";

/** @noSelf */
interface ProtectionLibrary {
  mprotect(at: unknown, lengthBytes: number, protection: number): number;
}

const C = declareC<ProtectionLibrary>("int mprotect(void *at, size_t length, int protection);");

/** sys/mman.h of x86 and ARM: fuzzers run on the build machine. */
const MAP_PRIVATE_ANONYMOUS = 0x22;
/** The largest page in use on Linux' build machines (arm64); smaller ones divide it. */
const PAGE_BYTES = 65536;

export class GuardedMemory {
  /** The first byte that may be touched. */
  readonly start: BytePtr;

  /** @param capacityBytes at most a page */
  constructor(readonly capacityBytes = PAGE_BYTES) {
    const [memory, problem] = mapMemory(-1, 3 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE_ANONYMOUS);
    this.start = (memory ?? error(problem, 0)).plus(PAGE_BYTES);
    if (C.mprotect(this.start, PAGE_BYTES, PROT_READ_WRITE) !== 0) error("no memory with guard pages", 0);
  }

  /** Where an input of this length must begin to end right before the guard. */
  endingAt(lengthBytes: number): BytePtr {
    return this.start.plus(PAGE_BYTES - lengthBytes);
  }
}
