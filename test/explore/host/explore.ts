// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run explore`: every order of what may happen in small worlds, and who is dead in any of their states.
//
// Usage: npm run explore -- [WORLD...] [--clients N] [--epochs N] [--states N] [--json] | --list
//
// The result is ok when every world has the dead states that it is to have, and no others. A world larger than --states
// is explored breadth first up to there; the figures say so. The exit status is non-zero exactly when the result is not ok.

import { execFile, execFileSync } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { table } from "../../bench/host/table.js";

const USAGE = "Usage: npm run explore -- [WORLD...] [--clients N] [--epochs N] [--states N] [--json] | --list";
const LUA_FOLDER = "build/lua";
const MAIN = "test/explore/main.lua";
/** Room for the traces of all that a world reaches. */
const COMPILER = ["-Omaxtrace=8000", "-Omaxmcode=16384"];
const CLIENTS = 3;
const EPOCHS = 2;
/** A few minutes for each world; LuaJIT's memory holds ten times as many. */
const STATES_MAX = 200_000;
/** A bound on what goes wrong, not on the exploration. */
const LIMIT_MS = 3_600_000;

const OPTIONS = {
  clients: { type: "string" },
  epochs: { type: "string" },
  states: { type: "string" },
  json: { type: "boolean" },
  list: { type: "boolean" },
} as const;

interface Entry {
  readonly name: string;
  readonly explanation: string;
}

interface Dead {
  readonly cause: string;
  readonly states: number;
  readonly story: readonly string[];
}

/** What main.lua prints; its empty lists are empty objects. */
interface Report {
  readonly states: number;
  readonly transitions: number;
  readonly seconds: number;
  readonly isComplete: boolean;
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly dead: readonly Dead[];
}

interface Size {
  readonly clients: number;
  readonly epochs: number;
  readonly states: number;
}

function readCatalogue(): Entry[] {
  return JSON.parse(execFileSync("luajit", [MAIN, "--list"], { cwd: LUA_FOLDER, encoding: "utf8" })) as Entry[];
}

async function explore(world: string, { clients, epochs, states }: Size): Promise<Report> {
  const words = [...COMPILER, MAIN, world, String(clients), String(epochs), String(states)];
  const options = { cwd: LUA_FOLDER, encoding: "utf8", timeout: LIMIT_MS, killSignal: "SIGKILL" } as const;
  const { stdout } = await promisify(execFile)("luajit", words, options);
  return JSON.parse(stdout) as Report;
}

/** The way to the first dead state of a cause. */
function storyLines({ story }: Dead): string[] {
  return Object.values(story).map((line) => `    ${line}`);
}

function figuresOf(world: string, report: Report, figures: Record<string, Figure>): void {
  figures[`${world}.states`] = { value: report.states, unit: report.isComplete ? "all" : "cut here" };
  figures[`${world}.steps`] = { value: report.transitions, unit: "steps" };
  figures[`${world}.time`] = { value: report.seconds, unit: "s" };
  for (const { cause, states } of Object.values(report.dead)) {
    figures[`${world}.${cause.replace(" ", "-")}`] = { value: states, unit: "dead states" };
  }
}

function notesOf(world: string, report: Report): string[] {
  const notes: string[] = [];
  for (const cause of Object.values(report.missing)) notes.push(`FAILED: ${world}: ${cause} was not found`);
  for (const cause of Object.values(report.unexpected)) {
    const dead = Object.values(report.dead).find((one) => one.cause === cause);
    notes.push(`FAILED: ${world}: dead by ${cause}`, ...(dead === undefined ? [] : storyLines(dead)));
  }
  return notes;
}

function wholeNumber(text: string | undefined, standard: number, most: number): number {
  const value = Number(text ?? standard);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`"${text}" is not accepted; use a whole number from 1 to ${most}`);
}

async function main(): Promise<boolean> {
  const { positionals, values } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const catalogue = readCatalogue();
  if (values.list === true) {
    for (const { name, explanation } of catalogue) console.log(`${name}\n    ${explanation}`);
    return true;
  }
  const names = catalogue.map(({ name }) => name);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no world; there are: ${names.join(", ")}`);
  const size = {
    clients: wholeNumber(values.clients, CLIENTS, 3),
    epochs: wholeNumber(values.epochs, EPOCHS, 2),
    states: wholeNumber(values.states, STATES_MAX, 5_000_000),
  };
  const progress = values.json === true ? console.error : console.log;
  const figures: Record<string, Figure> = {};
  const notes: string[] = [];
  for (const world of positionals.length > 0 ? positionals : names) {
    progress(`exploring: ${world}`);
    const report = await explore(world, size);
    figuresOf(world, report, figures);
    notes.push(...notesOf(world, report));
    for (const dead of Object.values(report.dead)) progress([`  ${dead.cause}:`, ...storyLines(dead)].join("\n"));
  }
  const result: ResultDocument = { name: "explore", ok: notes.length === 0, figures, notes };
  console.log(values.json === true ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (problem) {
  console.error(`${problem instanceof Error ? problem.message : String(problem)}\n${USAGE}`);
  process.exitCode = 2;
}
