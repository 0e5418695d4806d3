// SPDX-License-Identifier: GPL-2.0-only
// Each trap of docs/development.md, linted as the project is: the rule that guards it is switched on where it counts.

import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "node:test";
import { ESLint } from "eslint";

const root = path.resolve(import.meta.dirname, "..");
const eslint = new ESLint({ cwd: root, overrideConfigFile: path.join(root, ".eslint/config.mjs") });

const PURE = "src/wire/bytes.ts";
const LUA = "src/app/main.ts";
const ESPRUINO = "src/supervisor/espruino/main.ts";

/** What is written, the rule that refuses it, and the file it would stand in. */
const TRAPS = [
  ["export const a = (word: number): number => word >>> 0;", "local/unsigned-shift", LUA],
  ["export const a = (n: number): number => (n / 2) | 0;", "local/integer-truncation", LUA],
  ["export const a = (n: number): number => ~~(n / 2);", "local/integer-truncation", LUA],
  ["export const a = (n: number): number => n % 3;", "local/raw-modulo", LUA],
  ["export const a = (n: number): number => n || 5;", "@typescript-eslint/strict-boolean-expressions", LUA],
  ["export const a = (text: string): string => text || 'x';", "@typescript-eslint/strict-boolean-expressions", LUA],
  ["export const a = (n?: { b: 1 }): { b: 1 } => n || { b: 1 };", "@typescript-eslint/prefer-nullish-coalescing", LUA],
  ["export const a = (n: number): number => (n ? 1 : 2);", "@typescript-eslint/strict-boolean-expressions", LUA],
  ["export const a = (text: string): boolean => !text;", "@typescript-eslint/strict-boolean-expressions", LUA],
  ["export const a = (text: string): number => text.length;", "local/string-characters", LUA],
  ["export class A { get a(): number { return 1; } }", "local/accessors", LUA],
  ["export const a = ffi.new('int[4]') as number[];", "local/cdata-arrays", LUA],
  ["export function a(b: number[]): void { b.push(b.shift()!); }", "local/array-holes", LUA],
  ["export const a = (b?: string): unknown[] => ['x', b];", "local/array-holes", LUA],
  ["import { socket } from 'socket';", "local/native-modules", LUA],
  ["/** @perPacket */ export function a(b: number[]): void { b.push(1); }", "local/per-packet", LUA],
  ["export function a(): void { for (;;) { continue; } }", "local/plain-lua", PURE],
  ["export function a(): void { try { a(); } finally { a(); } }", "local/plain-lua", PURE],
  ["export function a(): () => number { return () => 1; }", "local/per-packet", PURE],
  ["export function a(): [number, number] { return [1, 2]; }", "local/per-packet", PURE],
  ["export function a(b: Map<1, 1>): void { for (const _ of b) a(b); }", "local/map-iteration", PURE],
  ["export const a = (): number => os.time();", "local/pure-globals", PURE],
  ["export const a = (): number => Math.random();", "local/pure-globals", PURE],
  ["import { main } from '../app/main'; main([]);", "local/layers", PURE],
  ["export const a = (b: number[]): number[] => [...b];", "local/espruino", ESPRUINO],
  [
    "export const a = (): number => b(); const b = (): number => 1;",
    "@typescript-eslint/no-use-before-define",
    ESPRUINO,
  ],
  ["export const a = 1;", "local/licence-line", PURE],
];

describe("a trap of Lua is kept out of the project", () => {
  for (const [code, rule, place] of TRAPS) {
    it(`${rule} refuses: ${code}`, async () => {
      const [result] = await eslint.lintText(code, { filePath: path.join(root, place) });
      const rules = result.messages.map((message) => message.ruleId);
      assert.ok(rules.includes(rule), `reported: ${rules.join(", ")}`);
    });
  }
});
