// SPDX-License-Identifier: GPL-2.0-only
// All checks of the board, in an order in which each finds the board as the one before left it.

import fs from "node:fs";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { boardImage } from "../../../src/host/image/board-image.js";
import { wrap } from "../../../src/host/page.js";
import { Bench } from "./bench.js";
import type { Check } from "./check.js";
import { FIRST, FLASHING } from "./flashing.js";
import { IPSEC } from "./ipsec.js";
import { PACKAGE } from "./package.js";
import { RECOVERY } from "./recovery.js";
import { DAMAGED_SLOT, ROLL_BACK } from "./roll-back.js";
import { ROUTING } from "./routing.js";
import { STARTS_GROUP } from "./starts.js";
import { SUPERVISOR } from "./supervisor.js";
import { UPGRADES } from "./upgrades.js";

export const GROUPS: Readonly<Record<string, readonly Check[]>> = {
  flashing: FLASHING,
  routing: ROUTING,
  starts: STARTS_GROUP,
  upgrades: UPGRADES,
  "damaged-slot": DAMAGED_SLOT,
  package: PACKAGE,
  "roll-back": ROLL_BACK,
  recovery: RECOVERY,
  ipsec: IPSEC,
  // It leaves a board whose own watchdog is off.
  supervisor: SUPERVISOR,
};

/** Of the console, for whoever looks into a failure. */
const CONSOLE_LINES_SHOWN = 30;
const MEBIBYTE = 1024 * 1024;

/** A result as a person reads it. */
export function resultText({ figures, notes }: ResultDocument): string {
  const lines = Object.entries(figures).map(([name, { value, unit, reach }]) => {
    const aim = reach === undefined ? "" : ` (${reach})`;
    return `  ${name.padEnd(36)}${value.toFixed(1).padStart(8)} ${unit}${aim}`;
  });
  return [...lines, ...notes.map((note) => wrap(note))].join("\n");
}

async function runCheck({ sentence, run }: Check, bench: Bench, say: (text: string) => void): Promise<object> {
  const startMs = performance.now();
  const figures = (await run(bench, say)) ?? {};
  say(wrap(`ok    ${sentence} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`));
  return figures;
}

/**
 * Runs the checks until one fails: those behind it would find another board than they need.
 * @param only of {@link GROUPS}; none means all
 * @param say gets a line for each
 */
export async function runChecks(only: readonly string[], say: (text: string) => void): Promise<ResultDocument> {
  const startMs = performance.now();
  const image = await boardImage(say);
  const figures: Record<string, Figure> = {
    build: { value: (performance.now() - startMs) / 1000, unit: "s" },
    image_size: { value: fs.statSync(image.slotFile).size / MEBIBYTE, unit: "MiB" },
  };
  const chosen = Object.keys(GROUPS).filter((name) => only.length === 0 || only.includes(name));
  const checks = [FIRST, ...chosen.flatMap((name) => GROUPS[name])];
  const bench = await Bench.open(image);
  let passed = 0;
  const notes: string[] = [];
  try {
    for (const check of checks) {
      Object.assign(figures, await runCheck(check, bench, say));
      passed += 1;
    }
  } catch (problem) {
    const console = bench.log.join("").split("\n").slice(-CONSOLE_LINES_SHOWN);
    notes.push(`FAILED: ${checks[passed]?.sentence ?? ""}: ${String(problem)}`, "The board's console:", ...console);
  } finally {
    await bench.close();
  }
  notes.push(`${passed} of ${checks.length} checks passed.`);
  return { name: "board", ok: passed === checks.length, figures, notes };
}
