// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run bench`: measures and prints, each figure with what it is to be.
//
// Usage: npm run bench -- [NAME…] [--json]      some measurements, or all of them
//        npm run bench -- --list                what there is
//
// With --json the result goes to standard output as one document and progress to standard error. The exit status is
// non-zero exactly when the result is not ok: a measurement could not be made, or a figure is past a bound that holds
// on every machine. How fast this machine is today makes a figure met or short, never the result.

import { execFileSync } from "node:child_process";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { endWithProcess, measure } from "./measurement.js";
import { table } from "./table.js";

interface Entry {
  readonly name: string;
  readonly explanation: string;
}

const USAGE = "Usage: npm run bench -- [NAME...] [--json] | --list";

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

async function run(names: readonly string[], isJson: boolean): Promise<boolean> {
  const progress = isJson ? console.error : console.log;
  const results: ResultDocument[] = [];
  for (const name of names) {
    progress(`measuring: ${name}`);
    results.push(await measure(name));
  }
  const result = oneDocument(results);
  console.log(isJson ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok;
}

async function main(words: readonly string[]): Promise<number> {
  const catalogue = readCatalogue();
  const names = catalogue.map(({ name }) => name);
  const unknown = words.find((word) => !["--json", "--list", ...names].includes(word));
  if (unknown !== undefined) {
    console.error(`"${unknown}" is no measurement and no option.\n${USAGE}\nMeasurements: ${names.join(", ")}`);
    return 2;
  }
  if (words.includes("--list")) {
    if (words.includes("--json")) console.log(JSON.stringify(catalogue, undefined, 2));
    else for (const { name, explanation } of catalogue) console.log(`${name}\n    ${explanation}`);
    return 0;
  }
  const chosen = names.filter((name) => words.includes(name));
  endWithProcess();
  return (await run(chosen.length > 0 ? chosen : names, words.includes("--json"))) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
