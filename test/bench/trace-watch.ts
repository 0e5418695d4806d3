// SPDX-License-Identifier: GPL-2.0-only
// Tells where LuaJIT's compiler gave up and why, for the notes: in steady state it should have nothing left to do.
//
// An abort means that it began to compile a hot path and gave up, so that the path is interpreted and tried again.
// Source: LuaJIT's jit/v.lua.

import { Compiler, type TraceListener } from "../../src/system/compiler";
import type { Findings } from "./findings";

/** @noSelf */
interface JitUtilities {
  funcinfo(fn: unknown, at?: number): { readonly loc?: string };
}

const utilities = require("jit.util") as JitUtilities;
const vmdef = require("jit.vmdef") as { readonly traceerr: Record<number, string | undefined> };

/** Places remembered; the count goes on. */
const PLACES_MAX = 10;

export class TraceWatch {
  readonly compiler: Compiler;
  private readonly places: string[] = [];
  private abortsBefore = 0;

  constructor() {
    const observer: TraceListener = (what, _trace, fn, at, cause, about) => {
      if (what === "abort" && this.places.length < PLACES_MAX)
        this.places.push(`${placeOf(fn, at)}: ${causeText(cause, about)}`);
    };
    this.compiler = new Compiler(observer);
    this.compiler.start();
  }

  /** Forgets what was: from here on is steady state. */
  reset(): void {
    this.abortsBefore = this.compiler.aborts;
    this.places.splice(0);
  }

  /** Records the aborts since {@link reset}, which there should be none of. */
  report(findings: Findings, name: string): void {
    findings.bound(name, this.compiler.aborts - this.abortsBefore, "aborts", 0);
    for (const place of this.places) findings.note(`${name}: given up at ${place}`);
  }
}

function placeOf(fn: unknown, at?: number): string {
  return utilities.funcinfo(fn, at).loc ?? "built-in code";
}

/** The compiler tells a number that stands for a format, or the text itself. */
function causeText(cause: unknown, about: unknown): string {
  const format = type(cause) === "number" ? vmdef.traceerr[cause as number] : tostring(cause);
  if (format === undefined) return `error ${tostring(cause)}`;
  const detail = type(about) === "function" ? placeOf(about) : tostring(about);
  return string.gsub(format, "%%[ds]", () => detail)[0];
}
