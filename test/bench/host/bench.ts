// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run bench`: measures and prints, each figure with what it is to be.
//
// The exit status is non-zero exactly when the result is not ok: a measurement could not be made, or a figure is past a
// bound that holds on every machine. How fast this machine is today makes a figure met or short, never the result.

import fs from "node:fs";
import { runCommand } from "../../../src/host/command.js";
import { type CommandWords, knownNames, type OptionRules } from "../../../src/host/command-words.js";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { catalogueText, readCatalogue } from "../../../src/host/lua-catalogue.js";
import { Refusal } from "../../../src/host/refusal.js";
import { endWithProcess, measure } from "./measurement.js";
import { plot } from "./plot.js";
import { table } from "./table.js";

const PROGRAM = "test/bench/main.lua";

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
  json: { does: "the result as one JSON document; progress goes to standard error" },
  list: { does: "the measurements" },
  plot: { value: "FILE", does: "draw what `offload` found, as an SVG picture" },
} as const satisfies OptionRules;

async function measureAll(names: readonly string[], isJson: boolean, plotFile: string | undefined): Promise<boolean> {
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

async function run({ names, values, flags }: CommandWords<keyof typeof OPTIONS>): Promise<boolean> {
  const isJson = flags.has("json");
  const catalogue = readCatalogue(PROGRAM);
  const known = catalogue.map(({ name }) => name);
  knownNames(names, "measurement", known);
  if (flags.has("list")) {
    console.log(catalogueText(catalogue, isJson));
    return true;
  }
  const chosen = known.filter((name) => names.length === 0 || names.includes(name));
  if (values.plot !== undefined && !chosen.includes("offload")) {
    throw new Refusal(`--plot draws what "offload" measures, and that is not among: ${chosen.join(", ")}.`);
  }
  endWithProcess();
  return measureAll(chosen, isJson, values.plot);
}

await runCommand({ usage: "bench -- [MEASUREMENT...] [OPTION...]", options: OPTIONS, run });
