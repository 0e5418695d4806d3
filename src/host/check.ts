// SPDX-License-Identifier: GPL-2.0-only
// The command `npm test`, once set-up has installed and built what it needs: runs every check and counts.
//
// Usage: npm test [-- --only STEP[,STEP…] | --list]
// The last line is "N passed, N failed"; the exit status is non-zero exactly when something failed.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { endProcessesWithThisOne, runBounded } from "./bounded-process.js";
import { checkSteps, type Step } from "./check-steps.js";
import { wrap } from "./page.js";
import type { TestCount } from "./test-count.js";

const LOG_FOLDER = "build/check";
const USAGE = "Usage: npm test [-- --only STEP[,STEP...] | --list]";
/** For all steps together: what is left then is ended, and has failed. */
const TOTAL_LIMIT_MS = 24 * 60 * 1000;
/** Of a failed step's output: the rest is in its log. */
const SHOWN_LINES_MAX = 200;
const NAME_WIDTH = 20;

/** The steps that the words after `npm test --` ask for; a text when they are wrong. */
function chosenSteps(words: readonly string[], steps: readonly Step[]): readonly Step[] | string {
  if (words.length === 0) return steps;
  const [option, list, ...others] = words;
  if (option !== "--only" || list === undefined || others.length > 0) return USAGE;
  const wanted = list.split(",");
  const isWanted = ({ name, group }: Step): boolean => wanted.includes(name) || wanted.includes(group);
  const known = new Set(steps.flatMap(({ name, group }) => [name, group]));
  const unknown = wanted.filter((name) => !known.has(name));
  if (unknown.length > 0) return `There is no step "${unknown.join('", "')}". There are:\n${listOf(steps)}`;
  return steps.filter(isWanted);
}

function listOf(steps: readonly Step[]): string {
  return steps.map(({ name, group }) => `  ${name.padEnd(NAME_WIDTH)}(${group})`).join("\n");
}

function showFailure(step: Step, output: string, log: string): void {
  const lines = output.trimEnd().split("\n");
  console.log(`--- ${step.name}: ${step.command.join(" ")}`);
  if (lines.length > SHOWN_LINES_MAX) console.log(`(the last ${String(SHOWN_LINES_MAX)} lines; all in ${log})`);
  console.log(lines.slice(-SHOWN_LINES_MAX).join("\n"));
  console.log(`--- end of ${step.name}`);
}

interface Attempt extends TestCount {
  readonly output: string;
  readonly problem: string;
  readonly log: string;
}

async function attempt(step: Step): Promise<Attempt> {
  const limitMs = Math.max(0, Math.min(step.limitSeconds * 1000, TOTAL_LIMIT_MS - performance.now()));
  const { output, isSuccess, problem } = await runBounded(step.command, limitMs, step.folder);
  const log = path.join(LOG_FOLDER, `${step.name}.log`);
  fs.writeFileSync(log, output);
  const counted = step.count === undefined ? { passed: isSuccess ? 1 : 0, failed: 0 } : step.count(output);
  const passed = counted?.passed ?? 0;
  // A runner that says nothing of a failure, or that ran no test at all, has failed all the same.
  const isGood = isSuccess && passed > 0 && counted?.failed === 0;
  return { passed, failed: isGood ? 0 : Math.max(1, counted?.failed ?? 0), output, problem, log };
}

/** Runs one step, a timed one again when it fails, and says how it went. */
async function runStep(step: Step): Promise<TestCount> {
  const startMs = performance.now();
  const first = await attempt(step);
  const isAgain = first.failed > 0 && step.isTimed === true;
  const last = isAgain ? await attempt(step) : first;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(6);
  const good = isAgain ? "ok at the second try" : "ok";
  const verdict = last.failed === 0 ? good : `FAILED${last.problem === "" ? "" : `: ${last.problem}`}`;
  const number = step.count === undefined ? "" : `${String(last.passed).padStart(6)} passed`;
  console.log(`${step.name.padEnd(NAME_WIDTH)}${seconds} s${number.padEnd(15)}${verdict}`);
  if (isAgain) showFailure(step, first.output, first.log);
  if (last.failed > 0) showFailure(step, last.output, last.log);
  return { passed: last.passed, failed: last.failed };
}

/** Runs the steps in their order, so many at once. */
async function runLanes(steps: readonly Step[], lanes: number, counts: Map<Step, TestCount>): Promise<void> {
  if (steps.length === 0) return;
  const manner = lanes > 1 ? `${String(lanes)} at a time` : "one after another";
  console.log(wrap(`Now, ${manner}: ${steps.map(({ name }) => name).join(", ")}.`));
  const waiting = steps.values();
  const lane = async (): Promise<void> => {
    for (const step of waiting) counts.set(step, await runStep(step));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function check(steps: readonly Step[]): Promise<void> {
  fs.mkdirSync(LOG_FOLDER, { recursive: true });
  const counts = new Map<Step, TestCount>();
  const sharing = steps.filter(({ isSharing }) => isSharing === true);
  await runLanes(sharing, os.availableParallelism(), counts);
  await runLanes(
    steps.filter((step) => !sharing.includes(step)),
    1,
    counts,
  );
  let passed = 0;
  let failed = 0;
  for (const count of counts.values()) {
    passed += count.passed;
    failed += count.failed;
  }
  const failedSteps = steps.filter((step) => counts.get(step)?.failed !== 0).map(({ name }) => name);
  if (failedSteps.length > 0) console.log(`Failed: ${failedSteps.join(", ")}. Their output is above.`);
  console.log(`${String(passed)} passed, ${String(failed)} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

const words = process.argv.slice(2);
const steps = checkSteps();
const chosen = chosenSteps(words, steps);
if (words[0] === "--list") console.log(listOf(steps));
else if (typeof chosen === "string") {
  console.error(chosen);
  process.exitCode = 2;
} else {
  endProcessesWithThisOne();
  await check(chosen);
}
