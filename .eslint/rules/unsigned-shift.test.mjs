// SPDX-License-Identifier: GPL-2.0-only
// A shift that is meant to drop the sign is refused, one that leaves the sign bit empty is not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./unsigned-shift.mjs";

testRule("unsigned-shift", rule, [
  right("export const high = (word: number): number => word >>> 16;"),
  right("const SHIFT = 28; export const top = (word: number): number => word >>> SHIFT;"),
  wrong("export const made = (word: number): number => word >>> 0;", ["signed"]),
  wrong("export const by = (word: number, count: number): number => word >>> count;", ["signed"]),
  wrong("export function shift(word: number): number { word >>>= 0; return word; }", ["signed"]),
]);
