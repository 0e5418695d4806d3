// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run fuzz`: gives each target mutated inputs for a while, and says what it took badly.
//
// Usage: npm run fuzz -- [--seconds N] [--target T]… [--seed S] [--grow] [--log FILE] [--json]
//        npm run fuzz -- --replay FILE --target T        one saved input again
//        npm run fuzz -- --list                          the targets
//
// The time is shared equally among the targets. --grow puts inputs that got somewhere new into the corpus. --log adds a
// line of JSON for each target to a file: totals of many runs are counted from it. Inputs that break something are cut
// short and saved in build/fuzz; the exit status is then 1.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { table } from "../../bench/host/table.js";
import { grow } from "./corpus.js";
import { fuzz, type Outcome, replay } from "./fuzz-process.js";
import { minimise } from "./minimise.js";

const USAGE =
  "Usage: npm run fuzz -- [--seconds N] [--target T]... [--seed S] [--grow]\n" +
  "                       [--log FILE] [--json] | --replay FILE --target T | --list";
const CORPUS = "test/fuzz/corpus";
const FOLDER = "build/fuzz";
const SECONDS = 60;
/** What a process needs to start and to take its corpus once. */
const SECONDS_MIN = 1;
/** A target that ends so many processes is broken enough. */
const PROCESSES_MAX = 4;

interface Entry {
  readonly name: string;
  readonly explanation: string;
}

/** What a target got in all its processes. */
interface Total {
  executions: number;
  seconds: number;
  /** Inputs that broke it, cut short. */
  readonly saved: string[];
  readonly notes: string[];
}

const OPTIONS = {
  seconds: { type: "string" },
  target: { type: "string", multiple: true },
  seed: { type: "string" },
  log: { type: "string" },
  replay: { type: "string" },
  grow: { type: "boolean" },
  json: { type: "boolean" },
  list: { type: "boolean" },
} as const;

function readCatalogue(): Entry[] {
  const output = execFileSync("luajit", ["test/fuzz/main.lua", "--list"], { cwd: "build/lua", encoding: "utf8" });
  return JSON.parse(output) as Entry[];
}

/** Cuts short what broke the target, and keeps it. */
function save(target: string, outcome: Outcome, total: Total): void {
  for (const { what, input } of outcome.problems) {
    const line = minimise(target, input, FOLDER);
    if (total.saved.includes(line)) continue;
    total.saved.push(line);
    const file = path.join(FOLDER, `${target}-${total.saved.length}.input`);
    fs.writeFileSync(file, `${line}\n`);
    total.notes.push(`FAILED: ${target}: ${what}; again with: npm run fuzz -- --replay ${file} --target ${target}`);
  }
}

/** A target that crashes or hangs starts again with another seed until its time is over. */
async function fuzzTarget(target: string, seconds: number, seed: number, isGrowing: boolean): Promise<Total> {
  const total: Total = { executions: 0, seconds: 0, saved: [], notes: [] };
  const corpus = path.join(CORPUS, `${target}.txt`);
  let next = seed;
  do {
    const startMs = Date.now();
    const left = Math.max(SECONDS_MIN, seconds - total.seconds);
    const outcome = await fuzz({ target, seconds: left, seed: next, corpus, folder: FOLDER });
    total.seconds += (Date.now() - startMs) / 1000;
    total.executions += outcome.executions;
    save(target, outcome, total);
    if (isGrowing && outcome.problems.length === 0) grow(corpus, outcome.found);
    if (!outcome.isBroken) break;
    next += 1;
  } while (total.seconds < seconds && next < seed + PROCESSES_MAX);
  return total;
}

function resultOf(totals: ReadonlyMap<string, Total>): ResultDocument {
  const figures: Record<string, Figure> = {};
  for (const [target, { executions, seconds }] of totals) {
    figures[`${target}.executions`] = { value: executions, unit: "executions" };
    figures[`${target}.rate`] = { value: executions / seconds, unit: "a second" };
  }
  const all = [...totals.values()];
  const executions = all.reduce((sum, total) => sum + total.executions, 0);
  figures["all.executions"] = { value: executions, unit: "executions" };
  const notes = all.flatMap((total) => total.notes);
  return { name: "fuzz", ok: notes.length === 0, figures, notes };
}

function replayFile(target: string, file: string): number {
  const [line = ""] = fs.readFileSync(file, "utf8").split("\n");
  const problem = replay(target, line, FOLDER);
  console.log(problem ?? "Nothing is wrong with it.");
  return problem === undefined ? 0 : 1;
}

function refuse(why: string): number {
  console.error(`${why}\n${USAGE}`);
  return 2;
}

function wholeNumber(text: string | undefined, standard: number): number | undefined {
  const value = Number(text ?? standard);
  return Number.isInteger(value) && value >= 1 && value < 2 ** 31 - 1 ? value : undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const catalogue = readCatalogue();
  const targets = values.target ?? catalogue.map(({ name }) => name);
  fs.mkdirSync(FOLDER, { recursive: true });
  if (values.list === true) {
    for (const { name, explanation } of catalogue) console.log(`${name}\n    ${explanation}`);
    return 0;
  }
  if (values.replay !== undefined) {
    const [target, ...others] = values.target ?? [];
    if (target === undefined || others.length > 0) return refuse("--replay needs one --target");
    return replayFile(target, values.replay);
  }
  const seconds = wholeNumber(values.seconds, SECONDS);
  const seed = wholeNumber(values.seed, (Date.now() & 0x3fffffff) + 1);
  if (seconds === undefined || seed === undefined) return refuse("--seconds and --seed are whole numbers from 1");
  const progress = values.json === true ? console.error : console.log;
  progress(`seed ${seed}`);
  const totals = new Map<string, Total>();
  for (const target of targets) {
    progress(`fuzzing: ${target}`);
    const total = await fuzzTarget(target, seconds / targets.length, seed, values.grow === true);
    totals.set(target, total);
    const { executions, notes } = total;
    const line = {
      at: new Date().toISOString(),
      target,
      seed,
      executions,
      seconds: total.seconds,
      failed: notes.length,
    };
    if (values.log !== undefined) fs.appendFileSync(values.log, `${JSON.stringify(line)}\n`);
  }
  const result = resultOf(totals);
  console.log(values.json === true ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (problem) {
  process.exitCode = refuse(problem instanceof Error ? problem.message : String(problem));
}
