// SPDX-License-Identifier: GPL-2.0-only
// What may be undefined is refused in an array, however it gets there; a tuple may hold it.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./array-holes.mjs";

const MAYBE = "declare const list: number[]; declare const maybe: number | undefined;";

testRule("array-holes", rule, [
  right(`${MAYBE} list.push(1, maybe ?? 0); list[0] = 1; export const all = [1, ...list];`),
  right(`${MAYBE} if (maybe !== undefined) list.push(maybe);`),
  right(`${MAYBE} export const pair: [number | undefined, number] = [maybe, 1];`),
  right(`${MAYBE} list.splice(maybe!, 1);`),
  right("declare const set: Set<number | undefined>; set.add(undefined);"),
  right("declare const rows: { [at: number]: number | undefined }; rows[0] = undefined;"),
  wrong(`${MAYBE} list.push(list.shift()!);`, ["hole"]),
  wrong(`${MAYBE} list.unshift(list.pop() as number | undefined);`, ["hole"]),
  wrong(`${MAYBE} list.splice(0, 1, 2, maybe!);`, ["hole"]),
  wrong(`${MAYBE} list[2] = maybe!;`, ["hole"]),
  wrong(`${MAYBE} export const all = [1, maybe, 2];`, ["hole"]),
  wrong("export const all: (number | undefined)[] = [1, undefined];", ["hole"]),
  wrong("export const all = [1, , 2];", ["hole"]),
]);
