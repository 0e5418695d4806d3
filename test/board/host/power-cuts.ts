// SPDX-License-Identifier: GPL-2.0-only
// Power cuts at random moments of flashing and upgrading: the board starts a whole image every time, configuration kept.
//
// The emulator is killed while it works. What it had written by then is in its files, as with an eMMC that keeps the order of
// its writes and tears none; what lay in the board's own memory is gone.

import { setTimeout as sleep } from "node:timers/promises";
import type { ResultDocument } from "../../../src/host/document.js";
import { flashBoard } from "../../../src/host/flash/emulated.js";
import { flashFromUBoot } from "../../../src/host/flash/slot.js";
import { UBoot } from "../../../src/host/flash/u-boot.js";
import { boardImage } from "../../../src/host/image/board-image.js";
import { Bench } from "./bench.js";
import type { PowerCutTask } from "./request.js";

/** As long as the procedure takes, and a little more, so that its end is hit too. */
const FLASH_SPREAD_MS = 8000;
const UPGRADE_SPREAD_MS = 25_000;
/** Of the console, for whoever looks into a failure. */
const CONSOLE_LINES_SHOWN = 40;

/** A linear congruential generator (Numerical Recipes): the moments can be had again from their seed. */
function randomShares(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What one cut hit, and what became of it. */
interface PowerCut {
  readonly during: "flash" | "upgrade";
  readonly afterMs: number;
  /** The step that was under way. */
  readonly step: string;
  readonly slot: string;
}

/** Cuts the power while U-Boot flashes. */
async function cutWhileFlashing(bench: Bench, afterMs: number): Promise<string> {
  const board = await bench.powerOnForFlashing();
  const uBoot = await UBoot.stop(board.console);
  let step = "begin";
  const flashing = flashFromUBoot(uBoot, bench.image, (name) => (step = name)).then(
    () => (step = "done"),
    () => undefined, // the console is lost, as is meant
  );
  await sleep(afterMs);
  const hit = step;
  await bench.cutPower();
  await flashing;
  return hit;
}

/** Cuts the power while Linux upgrades. */
async function cutWhileUpgrading(bench: Bench, afterMs: number): Promise<string> {
  const url = await bench.url("slot.itb");
  let said = "";
  const end = bench.board.console.onText((text) => (said += text));
  bench.board.console.sendLine(`board-upgrade ${url}`);
  await sleep(afterMs);
  end();
  await bench.cutPower();
  return said.trim().split("\n").at(-1) ?? "";
}

/**
 * Cuts the power once, then switches the board on and looks at what it runs.
 * @param isFlash whether U-Boot flashes, or Linux upgrades: then the board has to be running
 * @throws when the board does not start, or its configuration is lost
 */
async function cutOnce(bench: Bench, isFlash: boolean, share: number): Promise<PowerCut> {
  const afterMs = Math.round(share * (isFlash ? FLASH_SPREAD_MS : UPGRADE_SPREAD_MS));
  const step = isFlash ? await cutWhileFlashing(bench, afterMs) : await cutWhileUpgrading(bench, afterMs);
  await bench.powerOn();
  await bench.shell();
  const { running } = await bench.bootState();
  await bench.assertConfigurationKept();
  await bench.confirmed(running);
  return { during: isFlash ? "flash" : "upgrade", afterMs, step, slot: running };
}

/**
 * Cuts the power so often, about half of the times while flashing.
 * @param say gets a line for each
 */
export async function runPowerCuts(
  { count, seed, from }: PowerCutTask,
  say: (text: string) => void,
): Promise<ResultDocument> {
  const bench = await Bench.open(await boardImage(say));
  const share = randomShares(seed);
  const notes = [`Seed ${seed}, power cuts ${from} to ${from + count - 1}.`];
  let survived = 0;
  try {
    await flashBoard(await bench.powerOnForFlashing(), bench.image, () => undefined);
    await bench.changeConfiguration();
    await bench.powerOn();
    await bench.shell();
    for (let number = 1; number < from + count; number += 1) {
      const [isFlash, moment] = [share() < 0.5, share()];
      if (number < from) continue;
      const cut = await cutOnce(bench, isFlash, moment);
      survived += 1;
      say(`${number}: ${cut.during}, after ${cut.afterMs} ms (${cut.step}): slot-${cut.slot} runs`);
    }
  } catch (problem) {
    const console = bench.log.join("").split("\n").slice(-CONSOLE_LINES_SHOWN);
    notes.push(`FAILED at power cut ${from + survived}: ${String(problem)}`, ...console);
  } finally {
    await bench.close();
  }
  const figures = { survived: { value: survived, unit: "power cuts", reach: String(count) } };
  return { name: "power-cuts", ok: survived === count, figures, notes };
}
