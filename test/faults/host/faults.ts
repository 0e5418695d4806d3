// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run faults`: brings faults about on the real program, in namespaces of its own, and says what came
// of them.
//
// Usage: npm run faults -- [--only NAME]... [--kills N] [--minutes N] [--json] | --list
//
// Without more it takes what `npm test` takes. --kills is for the fault of that name, --minutes for the churn. The exit
// status is non-zero exactly when something did not hold.

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { endWithProcess, measure } from "../../bench/host/measurement.js";
import { table } from "../../bench/host/table.js";

const USAGE = "Usage: npm run faults -- [--only NAME]... [--kills N] [--minutes N] [--json] | --list";
const PROGRAM = "test/faults/main.lua";
/** Of one fault as in `npm test`, on a busy machine; each kill and each minute of churn adds to it. */
const LIMIT_MS = 120_000;
const KILL_MS = 5000;

const OPTIONS = {
  only: { type: "string", multiple: true },
  kills: { type: "string" },
  minutes: { type: "string" },
  json: { type: "boolean" },
  list: { type: "boolean" },
} as const;

interface Entry {
  readonly name: string;
  readonly explanation: string;
  readonly amount: number;
}

function readCatalogue(): Entry[] {
  const output = execFileSync("luajit", [PROGRAM, "--list"], { cwd: "build/lua", encoding: "utf8" });
  return JSON.parse(output) as Entry[];
}

function number(text: string, name: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} ${text}: use a number above 0`);
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: OPTIONS });
  const catalogue = readCatalogue();
  if (values.list === true) {
    for (const { name, explanation } of catalogue) console.log(`${name}\n    ${explanation}`);
    return true;
  }
  const unknown = values.only?.find((name) => !catalogue.some((fault) => fault.name === name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no fault; --list names them`);
  const amounts = new Map(catalogue.map(({ name, amount }) => [name, amount]));
  if (values.kills !== undefined) amounts.set("killed", number(values.kills, "kills"));
  if (values.minutes !== undefined) amounts.set("churn", number(values.minutes, "minutes") * 60);
  const progress = values.json === true ? console.error : console.log;
  const results: ResultDocument[] = [];
  endWithProcess();
  for (const [name, amount] of amounts) {
    if (values.only !== undefined && !values.only.includes(name)) continue;
    progress(`fault: ${name}`);
    const limitMs = LIMIT_MS + (name === "killed" ? amount * KILL_MS : 0) + (name === "churn" ? amount * 1000 : 0);
    results.push(await measure(name, { program: PROGRAM, limitMs, words: [String(amount)] }));
  }
  const result: ResultDocument = {
    name: "faults",
    ok: results.every(({ ok }) => ok),
    figures: Object.assign({}, ...results.map(({ figures }) => figures)) as Record<string, Figure>,
    notes: results.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
  };
  console.log(values.json === true ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (problem) {
  console.error(`${problem instanceof Error ? problem.message : String(problem)}\n${USAGE}`);
  process.exitCode = 2;
}
