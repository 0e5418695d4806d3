// SPDX-License-Identifier: GPL-2.0-only
// The remainder operator is refused in both its forms.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./raw-modulo.mjs";

testRule("raw-modulo", rule, [
  right("export const low = (a: number): number => a & 7;"),
  wrong("export const rest = (a: number): number => a % 3;", ["sign"]),
  wrong("export function cut(a: number): number { a %= 3; return a; }", ["sign"]),
]);
