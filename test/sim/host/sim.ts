// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run sim`: sites with clients, servers and a NAT live through years of trouble in virtual time.
//
// The exit status is non-zero exactly when a promise was broken, or a mutation was not noticed (docs/simulation.md).

import fs from "node:fs";
import { refuseNames, runCommand } from "../../../src/host/command.js";
import {
  type CommandWords,
  knownNames,
  numberValue,
  type OptionRules,
  wholeNumberValue,
} from "../../../src/host/command-words.js";
import type { ResultDocument } from "../../../src/host/document.js";
import { wrap } from "../../../src/host/page.js";
import { Refusal } from "../../../src/host/refusal.js";
import { table } from "../../bench/host/table.js";
import { replay, runCampaign } from "./campaign.js";
import { compareAll } from "./comparison.js";
import { checkMutations } from "./mutations.js";
import { endWithProcess, perform, processCount } from "./simulator.js";

const OPTIONS = {
  seed: { value: "S", does: "the first site's seed; each next site has the next one. Standard: 1" },
  epochs: { value: "N", does: "tunnel epochs to live through, in all sites together. Standard: 20000" },
  profile: { value: "P", does: "what sites are like; --list explains each. Standard: mixed" },
  processes: { value: "N", does: "how many run at once. Standard: one for each processor" },
  replay: { value: "FILE", does: "one site, from the file that a broken promise has left" },
  compare: { does: "how long tunnels take to recover behind each NAT, with and without the watchdog" },
  samples: { value: "N", does: "of --compare: mishaps of each kind. Standard: 60" },
  mutations: { does: "switches off one protection after the other: each must be noticed" },
  protection: { value: "TEXT", does: "of --mutations: only those whose names hold the text" },
  list: { does: "the profiles" },
  json: { does: "the result as one JSON document; progress goes to standard error" },
} as const satisfies OptionRules;

type Words = CommandWords<keyof typeof OPTIONS>;

const SEED_MOST = 2 ** 31 - 2;
const STANDARD_EPOCHS = 20_000;
const STANDARD_SAMPLES = 60;

function whole(words: Words, name: keyof typeof OPTIONS, standard: number, unit: string): number {
  const text = words.values[name];
  return text === undefined ? standard : Math.ceil(numberValue(name, text, unit));
}

async function listProfiles(): Promise<string> {
  const profiles = await perform<{ name: string; explanation: string }[]>({ task: "profiles" });
  return profiles
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, explanation }) => `${name}\n${wrap(explanation, "    ")}`)
    .join("\n");
}

async function campaign(words: Words, progress: (text: string) => void): Promise<ResultDocument> {
  const profile = words.values.profile ?? "mixed";
  const known = await perform<{ name: string }[]>({ task: "profiles" });
  knownNames([profile], "profile", known.map(({ name }) => name).sort());
  const seed = wholeNumberValue("seed", words.values.seed ?? "1", "sites", SEED_MOST);
  const epochs = whole(words, "epochs", STANDARD_EPOCHS, "epochs");
  const processes = whole(words, "processes", processCount(), "processes");
  let toldPercent = 0;
  return runCampaign({ profile, seed, epochs, processes }, (soFar) => {
    const percent = Math.floor((100 * soFar) / epochs);
    if (percent < toldPercent + 10) return;
    toldPercent = percent;
    progress(`${String(percent)} % of ${String(epochs)} epochs`);
  });
}

async function resultOf(words: Words, progress: (text: string) => void): Promise<ResultDocument> {
  const { values, flags } = words;
  if (values.replay !== undefined) {
    if (!fs.existsSync(values.replay)) throw new Refusal(`--replay ${values.replay}: there is no such file.`);
    return replay(values.replay);
  }
  if (flags.has("compare")) return compareAll(whole(words, "samples", STANDARD_SAMPLES, "mishaps"), progress);
  if (flags.has("mutations")) return checkMutations(values.protection ?? "", progress);
  return campaign(words, progress);
}

/** Notes of several lines are diagrams and tables, which are not to be filled. */
function text(result: ResultDocument): string {
  const blocks = result.notes.filter((note) => note.includes("\n"));
  const sentences = result.notes.filter((note) => !note.includes("\n"));
  return [...blocks, table({ ...result, notes: sentences })].join("\n");
}

async function run(words: Words): Promise<boolean> {
  refuseNames(words.names);
  endWithProcess();
  if (words.flags.has("list")) {
    console.log(await listProfiles());
    return true;
  }
  const isJson = words.flags.has("json");
  const result = await resultOf(words, isJson ? console.error : console.log);
  console.log(isJson ? JSON.stringify(result, undefined, 2) : text(result));
  return result.ok;
}

await runCommand({ usage: "sim -- [OPTION...]", options: OPTIONS, run });
