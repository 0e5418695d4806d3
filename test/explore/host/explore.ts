// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run explore`: every order of what may happen in small worlds, and who is dead in any of their states.
//
// The result is ok when every world has the dead states that it is to have, and no others. A world larger than --states
// is explored breadth first up to there; the figures say so. The exit status is non-zero exactly when the result is not ok.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { runCommand } from "../../../src/host/command.js";
import { type CommandWords, knownNames, type OptionRules, wholeNumberValue } from "../../../src/host/command-words.js";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { catalogueText, readCatalogue } from "../../../src/host/lua-catalogue.js";
import { table } from "../../bench/host/table.js";

const LUA_FOLDER = "build/lua";
const MAIN = "test/explore/main.lua";
/** Room for the traces of all that a world reaches. */
const COMPILER = ["-Omaxtrace=20000", "-Omaxmcode=65536"];
const CLIENTS_MAX = 3;
const EPOCHS_MAX = 2;
/** A minute or two for each world. */
const STATES = 200_000;
/** A state takes up to 48 bytes: two gigabytes. */
const STATES_MAX = 40_000_000;
/** A bound on what goes wrong, not on the exploration. */
const LIMIT_MS = 3_600_000;

const OPTIONS = {
  clients: { value: "N", does: `of each world: up to ${CLIENTS_MAX}, the standard` },
  epochs: { value: "N", does: `of each client: up to ${EPOCHS_MAX}, the standard` },
  states: { value: "N", does: `of each world, breadth first: ${STATES} is the standard` },
  json: { does: "the result as one JSON document; progress goes to standard error" },
  list: { does: "the worlds" },
} as const satisfies OptionRules;

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

async function run({ names, values, flags }: CommandWords<keyof typeof OPTIONS>): Promise<boolean> {
  const isJson = flags.has("json");
  const catalogue = readCatalogue(MAIN);
  const worlds = knownNames(
    names,
    "world",
    catalogue.map(({ name }) => name),
  );
  if (flags.has("list")) {
    console.log(catalogueText(catalogue, isJson));
    return true;
  }
  const { clients = String(CLIENTS_MAX), epochs = String(EPOCHS_MAX), states = String(STATES) } = values;
  const size = {
    clients: wholeNumberValue("clients", clients, "clients", CLIENTS_MAX),
    epochs: wholeNumberValue("epochs", epochs, "epochs", EPOCHS_MAX),
    states: wholeNumberValue("states", states, "states", STATES_MAX),
  };
  const progress = isJson ? console.error : console.log;
  const figures: Record<string, Figure> = {};
  const notes: string[] = [];
  for (const world of worlds.length > 0 ? worlds : catalogue.map(({ name }) => name)) {
    progress(`exploring: ${world}`);
    const report = await explore(world, size);
    figuresOf(world, report, figures);
    notes.push(...notesOf(world, report));
    for (const dead of Object.values(report.dead)) progress([`  ${dead.cause}:`, ...storyLines(dead)].join("\n"));
  }
  const result: ResultDocument = { name: "explore", ok: notes.length === 0, figures, notes };
  console.log(isJson ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok;
}

await runCommand({ usage: "explore -- [WORLD...] [OPTION...]", options: OPTIONS, run });
