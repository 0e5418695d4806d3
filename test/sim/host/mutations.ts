// SPDX-License-Identifier: GPL-2.0-only
// Switches off one protection after the other in a copy of the compiled modules: the simulator or a spec must notice.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { runBounded } from "../../../src/host/bounded-process.js";
import type { ResultDocument } from "../../../src/host/document.js";
import { wrap } from "../../../src/host/page.js";
import { Refusal } from "../../../src/host/refusal.js";
import { type Protection, PROTECTIONS } from "./protections.js";
import { perform } from "./simulator.js";

const LUA_FOLDER = "build/lua";
/** Sites of each profile that are enough for what the simulator notices at all. */
const CAMPAIGNS = [
  { profile: "mixed", epochs: 3000 },
  { profile: "calm", epochs: 1000 },
  { profile: "stock", epochs: 2000 },
] as const;
/** Of the processor's time: specs that a mutation keeps from ending are told from a machine that is busy. */
const SPECS_CPU_SECONDS = 180;
const SPECS_LIMIT_MS = 1_800_000;

interface Outcome {
  readonly protection: Protection;
  /** The promise that the simulator saw broken; undefined: none. */
  readonly simulator: string | undefined;
  readonly specs: FailedSpecs | undefined;
}

interface FailedSpecs {
  /** Undefined: they did not end. */
  readonly count: number | undefined;
  /** What the first of them says. */
  readonly first: string;
}

/** The changed text. @throws Error when what is to be changed is not there, exactly once */
export function mutate(source: string, { name, module, method, text }: Protection): string {
  if (method !== undefined) {
    const [owner, member, instead] = method;
    const place = `${owner}.prototype.${member}`;
    if (!source.includes(`function ${place}(`)) throw new Error(`${name}: there is no ${place} in ${module}.lua`);
    return source.replace(/return ____exports\s*$/, `____exports.${place} = ${instead}\nreturn ____exports\n`);
  }
  const [from, to] = text ?? ["", ""];
  const places = source.split(from).length - 1;
  if (places !== 1) throw new Error(`${name}: "${from}" stands ${String(places)} times in ${module}.lua`);
  return source.replace(from, () => to);
}

async function simulate(folder: string): Promise<string | undefined> {
  for (const { profile, epochs } of CAMPAIGNS) {
    const task = { task: "campaign", profile, seed: 1, stride: 1, epochs };
    try {
      const totals = await perform<{ broken?: { violation: { promise: string } } }>(task, undefined, folder);
      if (totals.broken !== undefined) return `${totals.broken.violation.promise} (${profile})`;
    } catch {
      return `the table fails (${profile})`;
    }
  }
  return undefined;
}

/** What of the specs in a folder fails; undefined: nothing. */
async function runSpecs(folder: string, specs: string): Promise<FailedSpecs | undefined> {
  const bounded = ["sh", "-c", `ulimit -t ${SPECS_CPU_SECONDS}; exec "$@"`, "sh"];
  const command = [...bounded, "busted", "--lua=luajit", "--lpath=./?.lua", "-o", "TAP", `test/spec/${specs}`];
  const { output, isSuccess } = await runBounded(command, SPECS_LIMIT_MS, folder);
  if (isSuccess) return undefined;
  const failures = output
    .split("\n")
    .flatMap((line) => /^not ok \d+ - (?<name>.+)$/.exec(line)?.groups?.["name"] ?? []);
  const [first] = failures;
  return first === undefined ? { count: undefined, first: `${specs} do not end` } : { count: failures.length, first };
}

async function inCopy<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-mutation-"));
  try {
    fs.cpSync(LUA_FOLDER, folder, { recursive: true });
    return await work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function tryOne(protection: Protection): Promise<Outcome> {
  return inCopy(async (folder) => {
    const file = path.join(folder, `${protection.module}.lua`);
    fs.writeFileSync(file, mutate(fs.readFileSync(file, "utf8"), protection));
    const simulator = await simulate(folder);
    return { protection, simulator, specs: await runSpecs(folder, protection.specs) };
  });
}

/** What fails although nothing was switched off would make every mutation noticed. */
async function checkUnchanged(): Promise<void> {
  const found = await inCopy(async (folder) => {
    const specs = [...new Set(PROTECTIONS.map((protection) => protection.specs))];
    const failures = [await simulate(folder)];
    for (const name of specs) failures.push((await runSpecs(folder, name))?.first);
    return failures.filter((failure) => failure !== undefined);
  });
  if (found.length > 0) throw new Refusal(`Nothing was switched off, but there is: ${found.join(", ")}.`);
}

/** A protection's name, and under it what noticed. */
function linesOf({ protection, simulator, specs }: Outcome): string {
  const bySpecs = specs === undefined ? "-" : `${String(specs.count ?? "all")} failed, the first: ${specs.first}`;
  return [protection.name, wrap(`simulator: ${simulator ?? "-"}`, "  "), wrap(`specs: ${bySpecs}`, "  ")].join("\n");
}

/** The protections whose names hold the text. @throws Refusal when there are none */
function protectionsNamed(text: string): readonly Protection[] {
  const wanted = PROTECTIONS.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  if (wanted.length > 0) return wanted;
  const names = PROTECTIONS.map(({ name }) => `  ${name}`).join("\n");
  throw new Refusal(`No protection has "${text}" in its name. Nothing was done. There are:\n${names}`);
}

/** @param text of the protections' names to be tried; empty: all */
export async function checkMutations(text: string, progress: (text: string) => void): Promise<ResultDocument> {
  const wanted = protectionsNamed(text);
  await checkUnchanged();
  const outcomes: Outcome[] = [];
  for (const protection of wanted) {
    const outcome = await tryOne(protection);
    outcomes.push(outcome);
    progress(linesOf(outcome));
  }
  const count = (pick: (outcome: Outcome) => boolean): number => outcomes.filter(pick).length;
  const missed = outcomes.filter(({ simulator, specs }) => simulator === undefined && specs === undefined);
  return {
    name: "sim-mutations",
    ok: missed.length === 0,
    figures: {
      protections: { value: outcomes.length, unit: "mutations" },
      by_simulator: { value: count(({ simulator }) => simulator !== undefined), unit: "mutations" },
      by_specs: { value: count(({ specs }) => specs !== undefined), unit: "mutations" },
      unnoticed: { value: missed.length, unit: "mutations", reach: "<= 0" },
    },
    notes: missed.map(({ protection }) => `FAILED: nothing noticed that this was switched off: ${protection.name}`),
  };
}
