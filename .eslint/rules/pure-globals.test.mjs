// SPDX-License-Identifier: GPL-2.0-only
// Clock, input, output and chance are refused in a pure layer; names of its own are not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./pure-globals.mjs";

testRule("pure-globals", rule, [
  right("export const later = (nowMs: number): number => nowMs + 1;"),
  right("export const write = (print: (n: number) => void): void => { print(1); };"),
  right("export const whole = (n: number): number => Math.floor(n);"),
  wrong("export const now = (): number => os.time();", ["impure"]),
  wrong("export const now = (): number => Date.now();", ["impure"]),
  wrong("export const show = (): void => { print('x'); };", ["impure"]),
  wrong("export const chance = (): number => Math.random();", ["impure"]),
  wrong("export const chance = (): number => math.random(4);", ["impure"]),
  wrong("declare const io: { write(): void }; export const show = (): void => { io.write(); };", ["impure"]),
]);
