// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run faults`: brings faults about on the real program, in namespaces of its own, and says what came
// of them.
//
// Without options it takes what `npm test` takes. The exit status is non-zero exactly when something did not hold.

import { refuseNames, runCommand } from "../../../src/host/command.js";
import {
  type CommandWords,
  knownNames,
  numberValue,
  type OptionRules,
  wholeNumberValue,
} from "../../../src/host/command-words.js";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { type CatalogueEntry, catalogueText, readCatalogue } from "../../../src/host/lua-catalogue.js";
import { endWithProcess, measure } from "../../bench/host/measurement.js";
import { table } from "../../bench/host/table.js";

const PROGRAM = "test/faults/main.lua";
/** Of one fault as in `npm test`, on a busy machine; each kill and each minute of churn adds to it. */
const LIMIT_MS = 120_000;
const KILL_MS = 5000;

const OPTIONS = {
  only: { value: "NAME[,NAME...]", does: "these faults, and not all" },
  kills: { value: "N", does: "of the fault `killed`: how often" },
  minutes: { value: "N", does: "of the fault `churn`: how long" },
  json: { does: "the result as one JSON document; progress goes to standard error" },
  list: { does: "the faults" },
} as const satisfies OptionRules;

type Words = CommandWords<keyof typeof OPTIONS>;

interface Fault extends CatalogueEntry {
  /** What `npm test` takes: kills of the fault of that name, seconds of churn. */
  readonly amount: number;
}

function amountOf({ name, amount }: Fault, { kills, minutes }: Words["values"]): number {
  if (name === "killed" && kills !== undefined) return wholeNumberValue("kills", kills, "kills");
  if (name === "churn" && minutes !== undefined) return numberValue("minutes", minutes, "minutes") * 60;
  return amount;
}

async function run({ names, values, flags }: Words): Promise<boolean> {
  refuseNames(names);
  const isJson = flags.has("json");
  const catalogue = readCatalogue<Fault>(PROGRAM);
  if (flags.has("list")) {
    console.log(catalogueText(catalogue, isJson));
    return true;
  }
  const known = catalogue.map(({ name }) => name);
  const chosen = knownNames(values.only?.split(",") ?? known, "fault", known);
  const progress = isJson ? console.error : console.log;
  const results: ResultDocument[] = [];
  endWithProcess();
  for (const fault of catalogue.filter(({ name }) => chosen.includes(name))) {
    const { name } = fault;
    const amount = amountOf(fault, values);
    progress(`fault: ${name}`);
    const limitMs = LIMIT_MS + (name === "killed" ? amount * KILL_MS : 0) + (name === "churn" ? amount * 1000 : 0);
    const isPatient = name === "churn";
    results.push(await measure(name, { program: PROGRAM, limitMs, words: [String(amount)], isPatient }));
  }
  const result: ResultDocument = {
    name: "faults",
    ok: results.every(({ ok }) => ok),
    figures: Object.assign({}, ...results.map(({ figures }) => figures)) as Record<string, Figure>,
    notes: results.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
  };
  console.log(isJson ? JSON.stringify(result, undefined, 2) : table(result));
  return result.ok;
}

await runCommand({ usage: "faults -- [OPTION...]", options: OPTIONS, run });
