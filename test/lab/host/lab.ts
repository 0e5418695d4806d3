// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run lab`: runs scenarios one after another and prints what they found.
//
// With --json the result goes to standard output as one document (several scenarios: figures carry the scenario's name
// in front) and progress to standard error. The exit status is non-zero exactly when the result is not ok.

import { spawnSync } from "node:child_process";
import { runCommand } from "../../../src/host/command.js";
import { type CommandWords, knownNames, type OptionRules } from "../../../src/host/command-words.js";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { type CatalogueEntry, catalogueText, readCatalogue } from "../../../src/host/lua-catalogue.js";
import { heading, wrap } from "../../../src/host/page.js";
import { Refusal } from "../../../src/host/refusal.js";
import { beginRun } from "../../../src/host/run-traces.js";
import { withBoardRouter } from "../../board/host/ipsec.js";
import type { OutsideRouter } from "./outside-router.js";
import { guestRoot } from "./root.js";
import { runGuest, type ScenarioResult } from "./uml.js";

const GUEST_PROGRAM = "test/lab/guest/main.lua";

const OPTIONS = {
  long: { does: "the long form, where a scenario has one: minutes" },
  router: { value: "board", does: "through an emulated board that was just flashed, where a scenario can" },
  json: { does: "the result as one JSON document; progress goes to standard error" },
  list: { does: "the scenarios" },
} as const satisfies OptionRules;

interface ScenarioEntry extends CatalogueEntry {
  readonly isForBoards: boolean;
}

type Words = CommandWords<keyof typeof OPTIONS>;

/** What is run, and how. */
interface Request {
  readonly scenarios: readonly string[];
  readonly isJson: boolean;
  readonly isLong: boolean;
  /** The router is a board, and not in the guest. */
  readonly hasBoard: boolean;
}

/** Of the time at the beginning of a time line's line. */
const TIME_WIDTH = 11;

/** @throws Refusal for a router or a scenario that there is not */
function requestOf({ names, values, flags }: Words, catalogue: readonly ScenarioEntry[]): Request {
  const { router = "guest" } = values;
  knownNames([router], "router", ["guest", "board"]);
  const hasBoard = router === "board";
  const known = catalogue.filter(({ isForBoards }) => isForBoards || !hasBoard).map(({ name }) => name);
  knownNames(names, hasBoard ? "scenario that a board can take part in" : "scenario", ["all", ...known]);
  if (names.length === 0) throw new Refusal('Which scenario? One or more, or "all"; --list explains them.');
  const scenarios = names.includes("all") ? known : known.filter((name) => names.includes(name));
  return { scenarios, isJson: flags.has("json"), isLong: flags.has("long"), hasBoard };
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

async function run(words: Words): Promise<boolean> {
  const catalogue = readCatalogue<ScenarioEntry>(GUEST_PROGRAM);
  if (words.flags.has("list")) {
    console.log(catalogueText(catalogue, words.flags.has("json")));
    return true;
  }
  const request = requestOf(words, catalogue);
  beginRun();
  return runScenarios(request);
}

await runCommand({ usage: "lab -- SCENARIO... | all [OPTION...]", options: OPTIONS, run });
