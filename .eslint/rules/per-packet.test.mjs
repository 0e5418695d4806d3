// SPDX-License-Identifier: GPL-2.0-only
// Slow forms are refused where a docstring says @perPacket, and nowhere else.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./per-packet.mjs";

testRule("per-packet", rule, [
  right("export const slow = (list: number[]): void => { list.push(1); };"),
  right("/** @perPacket */ export function fast(a: number): number { return a + 1; }"),
  right("/** @perPacket */ export class View { at = 0; port(): number { return this.at; } }"),
  wrong("/** @perPacket */ export function slow(list: number[]): void { list.push(1); }", ["slow"]),
  wrong("/** @perPacket */ export function slow(n: number): string { return `n${n}`; }", ["slow"]),
  wrong("/** @perPacket */ export function slow(n: number): number { while (n > 0) n -= 1; return n; }", ["slow"]),
  wrong("/** @perPacket */ export function slow(): [number, number] { return [1, 2]; }", ["slow"]),
  wrong("/** @perPacket */ export function slow(): () => number { return () => 1; }", ["slow"]),
  wrong("export class View {\n  /** @perPacket */\n  slow(): void { try { go(); } finally { go(); } } }", ["slow"]),
  wrong("/** @perPacket */ export class View { slow(list: number[]): void { list.push(1); } }", ["slow"]),
  wrong("export function slow(): () => number { return () => 1; }", ["slow"], { options: [{ everywhere: true }] }),
  right("export function print(n: number): string { return `n${n}`; }", { options: [{ everywhere: true }] }),
]);
