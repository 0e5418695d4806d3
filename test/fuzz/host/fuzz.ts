// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run fuzz`: gives each target mutated inputs for a while, and says what it took badly.
//
// The time is shared equally among the targets. Inputs that break something are cut short and saved in build/fuzz; the
// exit status is then 1.

import fs from "node:fs";
import path from "node:path";
import { refuseNames, runCommand } from "../../../src/host/command.js";
import { type CommandWords, knownNames, type OptionRules, wholeNumberValue } from "../../../src/host/command-words.js";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { catalogueText, readCatalogue } from "../../../src/host/lua-catalogue.js";
import { Refusal } from "../../../src/host/refusal.js";
import { table } from "../../bench/host/table.js";
import { grow } from "./corpus.js";
import { fuzz, type Outcome, replay } from "./fuzz-process.js";
import { minimise } from "./minimise.js";

const PROGRAM = "test/fuzz/main.lua";
const CORPUS = "test/fuzz/corpus";
const FOLDER = "build/fuzz";
const SECONDS = 60;
/** What a process needs to start and to take its corpus once. */
const SECONDS_MIN = 1;
/** A target that ends so many processes is broken enough. */
const PROCESSES_MAX = 4;
/** The generator's state is a positive 32-bit number, and each process of a target takes the next one. */
const SEED_MOST = 2 ** 31 - 2 - PROCESSES_MAX;

/** What a target got in all its processes. */
interface Total {
  executions: number;
  seconds: number;
  /** Inputs that broke it, cut short. */
  readonly saved: string[];
  readonly notes: string[];
}

const OPTIONS = {
  seconds: { value: "N", does: `for all targets together. Standard: ${SECONDS}` },
  target: { value: "T[,T...]", does: "these targets, and not all" },
  seed: { value: "S", does: "what inputs are made from; without it, the time" },
  grow: { does: "put inputs that got somewhere new into the corpus" },
  log: { value: "FILE", does: "add a line of JSON for each target: totals of many runs are counted from it" },
  replay: { value: "FILE", does: "one saved input again; --target says whose" },
  json: { does: "the result as one JSON document; progress goes to standard error" },
  list: { does: "the targets" },
} as const satisfies OptionRules;

type Words = CommandWords<keyof typeof OPTIONS>;

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

/** @throws Refusal without exactly one target, or a file */
function replayFile(file: string, targets: readonly string[]): boolean {
  const [target, ...others] = targets;
  if (target === undefined || others.length > 0) throw new Refusal("--replay needs one --target. Nothing was done.");
  if (!fs.existsSync(file)) throw new Refusal(`--replay ${file}: there is no such file.`);
  const [line = ""] = fs.readFileSync(file, "utf8").split("\n");
  const problem = replay(target, line, FOLDER);
  console.log(problem ?? "Nothing is wrong with it.");
  return problem === undefined;
}

function log(file: string, target: string, seed: number, { executions, seconds, notes }: Total): void {
  const line = { at: new Date().toISOString(), target, seed, executions, seconds, failed: notes.length };
  fs.appendFileSync(file, `${JSON.stringify(line)}\n`);
}

async function fuzzAll(targets: readonly string[], { values, flags }: Words): Promise<ResultDocument> {
  const seconds = wholeNumberValue("seconds", values.seconds ?? String(SECONDS), "seconds");
  const seed = wholeNumberValue("seed", values.seed ?? String((Date.now() & 0x3fffffff) + 1), "a seed", SEED_MOST);
  const progress = flags.has("json") ? console.error : console.log;
  progress(`seed ${seed}`);
  const totals = new Map<string, Total>();
  for (const target of targets) {
    progress(`fuzzing: ${target}`);
    const total = await fuzzTarget(target, seconds / targets.length, seed, flags.has("grow"));
    totals.set(target, total);
    if (values.log !== undefined) log(values.log, target, seed, total);
  }
  return resultOf(totals);
}

async function run(words: Words): Promise<boolean> {
  const { names, values, flags } = words;
  refuseNames(names);
  const isJson = flags.has("json");
  const catalogue = readCatalogue(PROGRAM);
  if (flags.has("list")) {
    console.log(catalogueText(catalogue, isJson));
    return true;
  }
  const known = catalogue.map(({ name }) => name);
  const named = knownNames(values.target?.split(",") ?? [], "target", known);
  fs.mkdirSync(FOLDER, { recursive: true });
  if (values.replay !== undefined) return replayFile(values.replay, named);
  const result = await fuzzAll(named.length > 0 ? named : known, words);
  console.log(isJson ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok;
}

await runCommand({ usage: "fuzz -- [OPTION...]", options: OPTIONS, run });
