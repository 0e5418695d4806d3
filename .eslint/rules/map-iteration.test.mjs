// SPDX-License-Identifier: GPL-2.0-only
// Walking a Map or Set is refused; asking it, and walking an array, is not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./map-iteration.mjs";

testRule("map-iteration", rule, [
  right("export const ask = (map: Map<string, number>): number | undefined => map.get('a');"),
  right("export function walk(list: number[]): void { for (const item of list) use(item); }"),
  wrong("export function walk(map: Map<string, number>): void { for (const item of map) use(item); }", ["slow"]),
  wrong("export function walk(set: ReadonlySet<number>): void { for (const item of set) use(item); }", ["slow"]),
  wrong("export function walk(map: Map<string, number>): void { map.forEach(use); }", ["slow"]),
  wrong("export function walk(map: Map<string, number>): void { for (const k of map.keys()) use(k); }", [
    "slow",
    "slow",
  ]),
]);
