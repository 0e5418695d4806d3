// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run bench`: measures and prints, each figure with what it is to be.
//
// Usage: npm run bench -- [NAME…] [--json] [--plot FILE]      some measurements, or all of them
//        npm run bench -- --list                              what there is
//
// --plot draws what `offload` found as an SVG picture. With --json the result goes to standard output as one document and progress to standard error. The exit status is
// non-zero exactly when the result is not ok: a measurement could not be made, or a figure is past a bound that holds
// on every machine. How fast this machine is today makes a figure met or short, never the result.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { commandWords } from "../../../src/host/command-words.js";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { Refusal } from "../../../src/host/refusal.js";
import { endWithProcess, measure } from "./measurement.js";
import { plot } from "./plot.js";
import { table } from "./table.js";

interface Entry {
  readonly name: string;
  readonly explanation: string;
}

const USAGE = "Usage: npm run bench -- [NAME...] [--json] [--plot FILE] | --list";

function readCatalogue(): Entry[] {
  const output = execFileSync("luajit", ["test/bench/main.lua", "--list"], { cwd: "build/lua", encoding: "utf8" });
  return JSON.parse(output) as Entry[];
}

/** Puts the results into one document. Several: the notes say which measurement they are of. */
function oneDocument(results: readonly ResultDocument[]): ResultDocument {
  return {
    name: "bench",
    ok: results.every(({ ok }) => ok),
    figures: Object.assign({}, ...results.map(({ figures }) => figures)) as Record<string, Figure>,
    notes: results.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
  };
}

const OPTIONS = {
  json: { does: "prints one document" },
  list: { does: "says what each measurement is" },
  plot: { value: "FILE", does: "draws what offload found, as SVG" },
} as const;

async function run(names: readonly string[], isJson: boolean, plotFile: string | undefined): Promise<boolean> {
  const progress = isJson ? console.error : console.log;
  const results: ResultDocument[] = [];
  for (const name of names) {
    progress(`measuring: ${name}`);
    results.push(await measure(name));
  }
  const result = oneDocument(results);
  console.log(isJson ? JSON.stringify(result, undefined, 2) : table(result));
  if (plotFile !== undefined) fs.writeFileSync(plotFile, plot(result));
  return result.ok;
}

async function main(words: readonly string[]): Promise<number> {
  const { names, values, flags } = commandWords(words, OPTIONS);
  const catalogue = readCatalogue();
  const known = catalogue.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Refusal(`"${unknown}" is no measurement.\n${USAGE}\nMeasurements: ${known.join(", ")}`);
  }
  if (flags.has("list")) {
    if (flags.has("json")) console.log(JSON.stringify(catalogue, undefined, 2));
    else for (const { name, explanation } of catalogue) console.log(`${name}\n    ${explanation}`);
    return 0;
  }
  const chosen = known.filter((name) => names.length === 0 || names.includes(name));
  if (values.plot !== undefined && !chosen.includes("offload")) {
    throw new Refusal(`--plot draws what "offload" measures, and that is not among: ${chosen.join(", ")}.`);
  }
  endWithProcess();
  return (await run(chosen, flags.has("json"), values.plot)) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (problem) {
  if (!(problem instanceof Refusal)) throw problem;
  console.error(problem.message);
  process.exitCode = 2;
}
