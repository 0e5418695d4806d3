// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run lab`: runs scenarios one after another and prints what they found.
//
// Usage: npm run lab -- SCENARIO… [--json]      one or more scenarios, or "all"
//        npm run lab -- --list                  what there is
//        --long                                 the long form, where a scenario has one: minutes
//        --router board                         through an emulated board that was just flashed, where a scenario can
//
// With --json the result goes to standard output as one document (several scenarios: figures carry the scenario's name
// in front) and progress to standard error. The exit status is non-zero exactly when the result is not ok.

import { spawnSync } from "node:child_process";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { heading, wrap } from "../../../src/host/page.js";
import { Refusal, untilRefused } from "../../../src/host/refusal.js";
import { beginRun } from "../../../src/host/run-traces.js";
import { withBoardRouter } from "../../board/host/ipsec.js";
import type { OutsideRouter } from "./outside-router.js";
import { guestRoot } from "./root.js";
import { readCatalogue, type ScenarioEntry } from "./scenarios.js";
import { runGuest, type ScenarioResult } from "./uml.js";

interface Request {
  readonly scenarios: readonly string[];
  readonly isJson: boolean;
  readonly isList: boolean;
  readonly isLong: boolean;
  /** The router is a board, and not in the guest. */
  readonly hasBoard: boolean;
}

/** Of the time at the beginning of a time line's line. */
const TIME_WIDTH = 11;

const USAGE = "Usage: npm run lab -- SCENARIO... | all [--json] [--long] [--router board] | --list";

/** @returns the words without the option @throws Refusal for a router that there is not */
function takeRouter(argv: readonly string[]): { words: readonly string[]; hasBoard: boolean } {
  const at = argv.indexOf("--router");
  if (at < 0) return { words: argv, hasBoard: false };
  const router = argv[at + 1] ?? "nothing";
  if (router !== "board" && router !== "guest") {
    throw new Refusal(
      `--router takes "guest", the standard, or "board"; here it is followed by "${router}".\n${USAGE}`,
    );
  }
  return { words: argv.toSpliced(at, 2), hasBoard: router === "board" };
}

function parseArguments(allWords: readonly string[], catalogue: readonly ScenarioEntry[]): Request {
  const { words: argv, hasBoard } = takeRouter(allWords);
  const names = catalogue.filter(({ isForBoards }) => isForBoards || !hasBoard).map(({ name }) => name);
  const unknown = argv.find((word) => !["--json", "--list", "--long", "all", ...names].includes(word));
  if (unknown !== undefined) {
    const what = hasBoard ? "scenario that a board can take part in" : "scenario";
    throw new Refusal(`"${unknown}" is no ${what}, and no option.\n${USAGE}\nScenarios: ${names.join(", ")}`);
  }
  const isList = argv.includes("--list");
  const scenarios = argv.includes("all") ? names : names.filter((name) => argv.includes(name));
  if (scenarios.length === 0 && !isList) throw new Refusal(`${USAGE}\nScenarios: ${names.join(", ")}`);
  return { scenarios, isJson: argv.includes("--json"), isList, isLong: argv.includes("--long"), hasBoard };
}

function printCatalogue(catalogue: readonly ScenarioEntry[], isJson: boolean): void {
  if (isJson) console.log(JSON.stringify(catalogue, undefined, 2));
  else for (const { name, explanation } of catalogue) console.log(`${name}\n${wrap(explanation, "    ")}`);
}

function printResult(result: ScenarioResult): void {
  console.log(heading(`${result.name}: ${result.ok ? "ok" : "NOT OK"}`));
  for (const timeLine of result.timeLines) printTimeLine(timeLine);
  const width = Math.max(0, ...Object.keys(result.figures).map((name) => name.length));
  for (const name of Object.keys(result.figures).sort()) console.log(figureLine(name, width, result.figures[name]));
  for (const note of result.notes) console.log(note.startsWith("FAILED") ? note : wrap(note));
  if (!result.ok) for (const exhibit of result.exhibits) console.log(`\n${exhibit}`);
}

/** Its first line is a title; every other one begins with the time, and continues beside it. */
function printTimeLine(timeLine: string): void {
  const [title, ...lines] = timeLine.split("\n");
  console.log(title);
  for (const line of lines)
    console.log(wrap(line.slice(TIME_WIDTH), " ".repeat(TIME_WIDTH)).replace(/^ +/, line.slice(0, TIME_WIDTH)));
  console.log("");
}

function figureLine(name: string, width: number, { value, unit, reach }: Figure): string {
  const rounded = Math.round(value * 10) / 10;
  const aim = reach === undefined ? "" : ` (${reach})`;
  return `  ${name.padEnd(width)} ${String(rounded).padStart(7)} ${unit}${aim}`;
}

/** Puts several results into the one shape. */
function oneDocument(results: readonly ScenarioResult[]): ResultDocument {
  const [only, ...others] = results;
  if (only !== undefined && others.length === 0) {
    const { name, ok, figures, notes } = only;
    return { name, ok, figures, notes };
  }
  const figures = results.flatMap((result) =>
    Object.entries(result.figures).map(([name, figure]) => [`${result.name}.${name}`, figure] as const),
  );
  return {
    name: "lab",
    ok: results.every(({ ok }) => ok),
    figures: Object.fromEntries(figures),
    notes: results.flatMap((result) => result.notes.map((note) => `${result.name}: ${note}`)),
  };
}

async function runEach(
  { scenarios, isJson, isLong }: Request,
  progress: (text: string) => void,
  router?: OutsideRouter,
): Promise<ScenarioResult[]> {
  const root = await guestRoot(progress);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    progress(`${scenario}: booting a guest kernel`);
    const result = await runGuest(root, { scenario, isLong, ...(router && { router }) }, progress);
    results.push(result);
    if (!isJson) printResult(result);
  }
  return results;
}

/** `npm run lab` has prepared this machine for guests only. Nothing of it may come between a JSON document's lines. */
function prepareForBoards(): void {
  const { status } = spawnSync("sh", ["src/host/setup.sh", "board"], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Refusal("This machine could not be prepared for an emulated board; why stands above.");
}

async function runScenarios(request: Request): Promise<boolean> {
  const { isJson, hasBoard } = request;
  const progress = isJson ? console.error : console.log;
  if (hasBoard) prepareForBoards();
  const results = hasBoard
    ? await withBoardRouter(progress, (router) => runEach(request, progress, router))
    : await runEach(request, progress);
  if (isJson) console.log(JSON.stringify(oneDocument(results), undefined, 2));
  return results.every(({ ok }) => ok);
}

async function main(): Promise<void> {
  const catalogue = readCatalogue();
  const request = parseArguments(process.argv.slice(2), catalogue);
  if (request.isList) {
    printCatalogue(catalogue, request.isJson);
    return;
  }
  beginRun();
  process.exitCode = (await runScenarios(request)) ? 0 : 1;
}

await untilRefused(main);
