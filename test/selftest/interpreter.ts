// SPDX-License-Identifier: GPL-2.0-only
// LuaJIT as this board has it: compiling, and with C types of the sizes the program takes for granted.

import { assertEquals, assertTrue } from "luaunit";
import { readable } from "../../src/app/source-position";
import { cast, create, isLittleEndian, networkOrder16, type Ptr, sizeOf, typeOf } from "../../src/system/ffi";
import type { Test } from "./test";

const bytePair = typeOf<Ptr<number>>("uint8_t[2]");
const halfPointer = typeOf<Ptr<number>>("uint16_t*");

export const interpreterTests: Test[] = [
  [
    "the compiler is on (without it every packet takes ten times as long)",
    () => {
      assertTrue(jit.status()[0], "LuaJIT was built or started without its compiler");
    },
  ],
  [
    "C integers have their sizes, and signed words their sign",
    () => {
      const words = create(typeOf<Ptr<number>>("int32_t[?]"), 1);
      words[0] = -1;
      assertEquals(words[0], -1);
      assertEquals(sizeOf(words), 4);
      assertEquals(sizeOf(create(typeOf("uint64_t[1]"))), 8);
      assertEquals(sizeOf(create(typeOf("double[1]"))), 8);
    },
  ],
  [
    "the byte order of memory is the one that the FFI reports",
    () => {
      const bytes = create(bytePair);
      bytes[0] = 1;
      assertEquals(cast(halfPointer, bytes)[0], isLittleEndian ? 1 : 256);
      cast(halfPointer, bytes)[0] = networkOrder16(500);
      assertEquals(bytes[0] * 256 + bytes[1], 500);
    },
  ],
  [
    "an error names the TypeScript source",
    () => {
      const [, trace] = pcall(() => {
        error("on purpose");
      });
      const [position] = string.match(readable(tostring(trace)), "^(.*):%d+: on purpose$");
      assertEquals(position, "test/selftest/interpreter.ts");
    },
  ],
];
