// SPDX-License-Identifier: GPL-2.0-only
// A campaign of the simulator: many sites on all processors, and what to do when one breaks a promise.

import fs from "node:fs";
import path from "node:path";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { perform } from "./simulator.js";

/** What test/sim/campaign.ts adds up. */
interface Totals {
  readonly sites: number;
  readonly epochs: number;
  readonly events: number;
  readonly toOwner: number;
  readonly copies: number;
  readonly toOthers: number;
  readonly broken?: { readonly scenario: Scenario; readonly violation: Violation };
}

interface Scenario {
  readonly profile: string;
  readonly seed: number;
}

interface Violation {
  readonly promise: string;
  readonly what: string;
  readonly atMs: number;
}

/** What test/sim/shrink.ts and test/sim/report.ts give. */
interface Shrunk {
  readonly scenario: Scenario;
  readonly violation: Violation;
  readonly runs: number;
  readonly text: string;
}

export interface CampaignOptions {
  readonly profile: string;
  readonly seed: number;
  readonly epochs: number;
  /** How many at once. */
  readonly processes: number;
}

const REPLAY_FOLDER = "build/sim";

/** Runs it; told of the epochs so far by `onProgress`. */
export async function runCampaign(
  options: CampaignOptions,
  onProgress: (epochs: number) => void,
): Promise<ResultDocument> {
  const { profile, seed, epochs, processes } = options;
  const startMs = performance.now();
  const done = Array.from({ length: processes }, () => 0);
  const all = await Promise.all(
    done.map((_, index) => {
      const share = Math.ceil(epochs / processes);
      const task = { task: "campaign", profile, seed: seed + index, stride: processes, epochs: share };
      return perform<Totals>(task, (soFar) => {
        done[index] = soFar;
        onProgress(done.reduce((sum, one) => sum + one, 0));
      });
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const broken = all.flatMap((totals) => (totals.broken === undefined ? [] : [totals.broken]));
  const notes: string[] = [];
  for (const { scenario } of broken) notes.push(await describe(scenario));
  return { name: "sim", ok: broken.length === 0, figures: figuresOf(all, seconds, processes, broken.length), notes };
}

function figuresOf(
  all: readonly Totals[],
  seconds: number,
  processes: number,
  violations: number,
): Record<string, Figure> {
  const sum = (pick: (totals: Totals) => number): number => all.reduce((total, one) => total + pick(one), 0);
  const epochs = sum((totals) => totals.epochs);
  const delivered = sum((totals) => totals.toOwner + totals.toOthers);
  const share = (part: number): number => (delivered === 0 ? 0 : (100 * part) / delivered);
  return {
    epochs: { value: epochs, unit: "epochs" },
    sites: { value: sum((totals) => totals.sites), unit: "sites" },
    events: { value: sum((totals) => totals.events), unit: "events" },
    violations: { value: violations, unit: "sites", reach: "<= 0" },
    copies: { value: share(sum((totals) => totals.copies)), unit: "%" },
    wrong_owner: { value: share(sum((totals) => totals.toOthers)), unit: "%" },
    time: { value: seconds, unit: "s" },
    processes: { value: processes, unit: "processes" },
    speed: { value: epochs / seconds, unit: "epochs/s" },
  };
}

/** Shrinks a scenario that breaks a promise, keeps it in a file, and tells what happens in it. */
async function describe(scenario: Scenario): Promise<string> {
  const shrunk = await perform<Shrunk>({ task: "shrink", scenario });
  fs.mkdirSync(REPLAY_FOLDER, { recursive: true });
  const file = path.join(REPLAY_FOLDER, `${scenario.profile}-${String(scenario.seed)}.json`);
  fs.writeFileSync(file, `${JSON.stringify(shrunk.scenario, undefined, 1)}\n`);
  const { promise, what, atMs } = shrunk.violation;
  return [
    `Promise broken: ${promise}: ${what}.`,
    `Profile ${scenario.profile}, seed ${String(scenario.seed)}, at ${(atMs / 1000).toFixed(3)} s.`,
    `Shrunk in ${String(shrunk.runs)} runs; seen again by: npm run sim -- --replay ${file}`,
    "",
    shrunk.text,
  ].join("\n");
}

/** Runs the scenario of a file once more. */
export async function replay(file: string): Promise<ResultDocument> {
  const scenario = JSON.parse(fs.readFileSync(file, "utf8")) as Scenario;
  const told = await perform<{ violation?: Violation; text: string }>({ task: "replay", scenario });
  const { violation } = told;
  const verdict =
    violation === undefined ? "All promises are kept." : `Promise broken: ${violation.promise}: ${violation.what}.`;
  return { name: "sim", ok: violation === undefined, figures: {}, notes: [`${verdict}\n\n${told.text}`] };
}
