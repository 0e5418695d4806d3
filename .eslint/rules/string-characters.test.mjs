// SPDX-License-Identifier: GPL-2.0-only
// Counting and picking the characters of a string is refused; of an array, and of bytes by name, is not.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./string-characters.mjs";

testRule("string-characters", rule, [
  right("export const count = (list: number[]): number => list.length;"),
  right("export const bytes = (text: string): number => string.len(text);"),
  wrong("export const count = (text: string): number => text.length;", ["bytes"]),
  wrong("export const count = (text?: string): number | undefined => text?.length;", ["bytes"]),
  wrong("export const first = (text: string): string | undefined => text[0];", ["bytes"]),
  wrong("export const first = (text: string): string => text.charAt(0);", ["bytes"]),
  wrong("export const wide = <T extends string>(text: T): string => text.padEnd(8);", ["bytes"]),
  wrong("export const all = (text: string): string[] => [...text];", ["bytes"]),
  wrong("export function walk(text: string): void { for (const _ of text) continue; }", ["bytes"]),
]);
