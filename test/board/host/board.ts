// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run board`: checks of the emulated board, and what was measured on the way.
//
// Usage: npm run board [-- --only GROUP[,GROUP...]] [--json]   checks, one after the other on one board
//        npm run board -- --power-cuts N [--seed SEED]   cuts the power N times at random moments
//
// `./flash.sh qemu-arm64 --check` is the first. The exit status is non-zero exactly when something failed.

import { parseArgs } from "node:util";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { endBoardsWithProcess } from "../../../src/host/emulator/emulated-board.js";
import { flashBoard } from "../../../src/host/flash/emulated.js";
import { boardImage } from "../../../src/host/image/board-image.js";
import { Refusal } from "../../../src/host/refusal.js";
import { endGuestsWithProcess, sweepRunDirectories } from "../../lab/host/uml.js";
import { Bench } from "./bench.js";
import { GROUPS, resultText, runChecks } from "./checks.js";
import { cutOnce, randomShares } from "./power-cuts.js";

const USAGE = "Usage: npm run board -- [--only GROUP[,GROUP...] | --power-cuts N [--seed SEED]] [--json]";

/** Cuts the power so often, half of the times while flashing. */
async function powerCuts(count: number, seed: number, say: (text: string) => void): Promise<ResultDocument> {
  const bench = await Bench.open(await boardImage(say));
  const share = randomShares(seed);
  const figure = (value: number): Figure => ({ value, unit: "power cuts" });
  let survived = 0;
  const notes = [`seed ${seed}`];
  try {
    await flashBoard(await bench.powerOnForFlashing(), bench.image, () => undefined);
    await bench.changeConfiguration();
    await bench.powerOn();
    await bench.shell();
    for (let number = 1; number <= count; number += 1) {
      const cut = await cutOnce(bench, share() < 0.5, share());
      survived += 1;
      say(`${number}: ${cut.during}, after ${cut.afterMs} ms (${cut.step}): slot-${cut.slot} runs`);
    }
  } catch (problem) {
    notes.push(`FAILED at power cut ${survived + 1}: ${String(problem)}`, ...bench.log.join("").split("\n").slice(-40));
  } finally {
    await bench.close();
  }
  return { name: "power-cuts", ok: survived === count, figures: { survived: figure(survived) }, notes };
}

/** @throws Refusal when there is no such group */
function groups(words: string | undefined): string[] {
  const names = words?.split(",") ?? [];
  const unknown = names.find((name) => !Object.hasOwn(GROUPS, name));
  if (unknown === undefined) return names;
  throw new Refusal(`There is no group "${unknown}". There are: ${Object.keys(GROUPS).join(", ")}.\n${USAGE}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean" },
      only: { type: "string" },
      "power-cuts": { type: "string" },
      seed: { type: "string" },
    },
  });
  endBoardsWithProcess();
  endGuestsWithProcess();
  sweepRunDirectories();
  const say = (text: string): void => {
    if (values.json === true) console.error(text);
    else console.log(text);
  };
  const cuts = values["power-cuts"];
  if (cuts !== undefined && !/^[1-9]\d*$/.test(cuts)) throw new Refusal(`--power-cuts takes a number.\n${USAGE}`);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const result =
    cuts === undefined ? await runChecks(groups(values.only), say) : await powerCuts(Number(cuts), seed, say);
  if (values.json === true) console.log(JSON.stringify(result, undefined, 2));
  else console.log(resultText(result));
  process.exitCode = result.ok ? 0 : 1;
}

try {
  await main();
} catch (problem) {
  if (!(problem instanceof Refusal)) throw problem;
  console.error(problem.message);
  process.exitCode = 1;
}
