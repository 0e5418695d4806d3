// SPDX-License-Identifier: GPL-2.0-only

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./espruino.mjs";

testRule("espruino", rule, [
  right("const both = first.concat(second);"),
  right("for (const word of words) list.push(word);"),
  right("const { sequence, health } = beat;"),
  right("class Clock { now(): number { return 1; } }"),
  right("start(() => 1);"),
  wrong("const both = [...first, ...second];", ["spread", "spread"]),
  wrong("const copy = { ...first };", ["spread"]),
  wrong("function all(...parts: string[]): void {}", ["spread"]),
  wrong("const { one, ...others } = all;", ["spread"]),
  wrong("outer: while (true) break outer;", ["syntax"]),
  wrong("class Clock { get now(): number { return 1; } }", ["syntax"]),
  wrong("const clock = { get now() { return 1; } };", ["syntax"]),
  wrong("function* all(): Generator {}", ["syntax"]),
  wrong("async function later(): Promise<void> {}", ["syntax"]),
  wrong("const words = line.split(/ +/);", ["expression"]),
  wrong("Object.freeze(limits);", ["api"]),
  wrong("line.match(word);", ["api"]),
  wrong("for (let at = 0; at < 3; at += 1) later(() => at);", ["closure"]),
]);
