// SPDX-License-Identifier: GPL-2.0-only
// A program that breaks in the place its first word names, for the test of stack traces (test/host/bundle.test.ts).

import { readable } from "../../../src/app/source-position";

declare const arg: string[];

class Counter {
  private count = 0;

  /** Breaks with an error the program raises itself. */
  raise(): number {
    this.count += 1;
    error("raised on purpose"); // the line of "raise"
  }
}

/** Breaks with an error of the interpreter: arithmetic on what is no number. */
function miscalculate(value: unknown): number {
  const numbers = { sum: value as number };
  return numbers.sum + 1; // the line of "miscalculate"
}

function breakIn(place: string): number {
  if (place === "raise") return new Counter().raise();
  if (place === "rest") return (require("./failing-rest") as typeof import("./failing-rest")).raiseInRest();
  return miscalculate(undefined);
}

const [, trace] = xpcall(
  () => breakIn(arg[0]),
  (problem: unknown) => readable(debug.traceback(tostring(problem), 2)),
);
io.stdout.write(tostring(trace));
