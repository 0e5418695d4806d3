// SPDX-License-Identifier: GPL-2.0-only
// Where the tables keep their numbers: flat memory under LuaJIT, Lua tables elsewhere, indexed alike from 0.
//
// A Lua object costs over 100 bytes an entry and work for the garbage collector; a row of 32-bit words costs 4 bytes a
// word and none. All memory is taken when a table is made, so a limit in the configuration is a bound on the memory.

/** Signed 32-bit words counted from 0, all zero at first. */
export interface Words {
  [index: number]: number;
}

/** Floating-point numbers counted from 0, all zero at first: for counters that pass 2³² (bytes of a tunnel). */
export interface Doubles {
  [index: number]: number;
}

/** @noSelf */
interface Allocator {
  new: (type: string, count: number) => Words;
}

declare function pcall(call: (name: string) => unknown, name: string): LuaMultiReturn<[boolean, unknown]>;
declare function require(name: string): unknown;

const [hasFlatMemory, ffi] = pcall(require, "ffi");

function allocate(type: string, count: number): Words {
  if (hasFlatMemory) return (ffi as Allocator).new(type, count);
  const numbers: Words = {};
  for (const index of $range(0, count - 1)) numbers[index] = 0;
  return numbers;
}

/** `count` words, all zero. */
export function allocateWords(count: number): Words {
  return allocate("int32_t[?]", count);
}

/** `count` floating-point numbers, all zero. */
export function allocateDoubles(count: number): Doubles {
  return allocate("double[?]", count);
}
