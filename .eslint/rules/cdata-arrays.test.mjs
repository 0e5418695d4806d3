// SPDX-License-Identifier: GPL-2.0-only
// An array type for C memory is refused, an interface with a number index is not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./cdata-arrays.mjs";

testRule("cdata-arrays", rule, [
  right("const words = ffi.cast('int32_t*', 0) as { [index: number]: number };"),
  right("const list = read() as number[];"),
  wrong("const words = ffi.new('int32_t[4]') as number[];", ["shifted"]),
  wrong("const words: number[] = ffi.new('int32_t[4]');", ["shifted"]),
  wrong("const words = ffi.cast('int32_t*', 0) as unknown as readonly number[];", ["shifted"]),
  wrong("const words = ffi.C.calloc(4, 4) as Array<number>;", ["shifted"]),
]);
