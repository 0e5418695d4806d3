// SPDX-License-Identifier: GPL-2.0-only
// A getter or setter is refused in a class, an object and as an accessor property; a method is not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./accessors.mjs";

testRule("accessors", rule, [
  right("export class Packet { length(): number { return 1; } }"),
  right("export const get = (): number => 1;"),
  wrong("export class Packet { get length(): number { return 1; } }", ["slow"]),
  wrong("export class Packet { set length(to: number) { this.size = to; } size = 0; }", ["slow"]),
  wrong("export const packet = { get length(): number { return 1; } };", ["slow"]),
  wrong("export class Packet { accessor length = 1; }", ["slow"]),
]);
