// SPDX-License-Identifier: GPL-2.0-only
// How many tests passed and failed, read from what each test runner prints.
//
// A skipped or pending test counts as failed: it says something is promised that nobody has seen.

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
}

/** Reads a count from a runner's output; undefined when the runner did not get as far as printing one. */
export type Counter = (output: string) => TestCount | undefined;

function numberAt(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? 0);
}

/** "12 successes / 0 failures / 1 error / 0 pending : 0.02 seconds" */
export const countBusted: Counter = (output) => {
  const found = /(\d+) success(?:es)? \/ (\d+) failures? \/ (\d+) errors? \/ (\d+) pending/.exec(output);
  if (found === null) return undefined;
  const [passed = 0, ...others] = found.slice(1).map(Number);
  return { passed, failed: others.reduce((sum, count) => sum + count, 0) };
};

/** "Ran 12 tests in 0.001 seconds, 11 successes, 1 failure" */
export const countLuaunit: Counter = (output) => {
  const found = /^Ran (\d+) tests? in .*?, (\d+) success/m.exec(output);
  if (found === null) return undefined;
  const [ran = 0, passed = 0] = found.slice(1).map(Number);
  return { passed, failed: ran - passed };
};

/** "11 of 12 checks passed." The first that fails ends the run, and those behind it were promised too. */
export const countBoardChecks: Counter = (output) => {
  const found = /^(\d+) of (\d+) checks passed\.$/m.exec(output);
  if (found === null) return undefined;
  const [passed = 0, all = 0] = found.slice(1).map(Number);
  return { passed, failed: all - passed };
};

/** The last lines of TAP as node --test writes it: "# tests 12", "# pass 12". */
export const countNodeTest: Counter = (output) => {
  if (!/^# tests \d+/m.test(output)) return undefined;
  const passed = numberAt(output, /^# pass (\d+)/m);
  return { passed, failed: numberAt(output, /^# tests (\d+)/m) - passed };
};
