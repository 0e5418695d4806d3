// SPDX-License-Identifier: GPL-2.0-only
// What PUC Lua 5.1 cannot run, or runs by throwing, is refused in a pure layer.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./plain-lua.mjs";

testRule("plain-lua", rule, [
  right("export function find(end: number): number { for (let i = 0; i < end; i += 1) if (i > 3) break; return end; }"),
  wrong("export function walk(): void { for (let i = 0; i < 3; i += 1) { if (i > 1) continue; } }", ["goto"]),
  wrong("export function walk(): void { outer: for (;;) { break outer; } }", ["goto"]),
  wrong("export function attempt(): void { try { walk(); } finally { walk(); } }", ["throws"]),
  wrong("export function refuse(): void { throw 'no'; }", ["throws"]),
]);
