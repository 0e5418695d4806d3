// SPDX-License-Identifier: GPL-2.0-only
// Makes whatever is used after it was collected show: a helper that busted loads before the specs.
//
//   busted --helper=test/collect/collect-often.lua test/spec/system
//
// LuaJIT's memory of C types is freed when nothing refers to the value that `ffi.new` returned; a pointer into it, in a
// structure given to the kernel or in a `cast`, does not count. Then the memory keeps what it held until somebody else
// gets it, so a mistake goes unseen for months. Here
// - every value of `ffi.new` is overwritten when it is collected: whoever still looks at it sees 0xa5a5…;
// - everything that can be is collected at every few calls of `ffi.new`, and at every few thousand instructions of the
//   interpreter, between any two lines. (Compiled code runs no hooks, so the compiler is off.)

/** @noSelf */
interface NativeFfi {
  new: (this: void, type: unknown, ...values: unknown[]) => unknown;
  fill: (this: void, memory: unknown, lengthBytes: number, byte: number) => void;
  gc: (this: void, value: unknown, finalizer: (this: void, value: unknown) => void) => unknown;
  sizeof: (this: void, value: unknown) => number | undefined;
}

export const POISON = 0xa5;
/** A whole collection takes milliseconds under busted: as often as the specs can bear. */
const ALLOCATIONS = 8;
const INSTRUCTIONS = 20_000;

const ffi = require("ffi") as NativeFfi;
const { fill, gc, new: allocate, sizeof: sizeOf } = ffi;
let allocations = 0;

function collect(): void {
  collectgarbage("collect");
}

function poison(value: unknown): void {
  fill(value, sizeOf(value) ?? 0, POISON);
}

ffi.new = (type, ...values) => {
  const value = allocate(type, ...values);
  allocations += 1;
  if (allocations >= ALLOCATIONS) {
    allocations = 0;
    collect();
  }
  return gc(value, poison);
};

jit.off();
debug.sethook(collect, "", INSTRUCTIONS);
