// SPDX-License-Identifier: GPL-2.0-only
// Dropping the fraction by a bit operation is refused, combining bits is not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./integer-truncation.mjs";

testRule("integer-truncation", rule, [
  right("export const both = (a: number, b: number): number => a | b;"),
  right("export const inverse = (a: number): number => ~a;"),
  wrong("export const half = (a: number): number => (a / 2) | 0;", ["rounds"]),
  wrong("export const half = (a: number): number => 0 | (a / 2);", ["rounds"]),
  wrong("export const half = (a: number): number => ~~(a / 2);", ["rounds"]),
  wrong("export const half = (a: number): number => (a / 2) >> 0;", ["rounds"]),
  wrong("export function cut(a: number): number { a |= 0; return a; }", ["rounds"]),
]);
