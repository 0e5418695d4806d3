// SPDX-License-Identifier: GPL-2.0-only
// Power cuts at random moments of flashing and upgrading: the board starts a whole image every time, configuration kept.
//
// The emulator is killed while it works. What it had written by then is in its files, as with an eMMC that keeps the order of
// its writes and tears none; what lay in the board's own memory is gone.

import { setTimeout as sleep } from "node:timers/promises";
import { flashFromUBoot } from "../../../src/host/flash/slot.js";
import { UBoot } from "../../../src/host/flash/u-boot.js";
import type { Bench } from "./bench.js";

/** As long as the procedure takes, and a little more, so that its end is hit too. */
const FLASH_SPREAD_MS = 8000;
const UPGRADE_SPREAD_MS = 25_000;

/** A linear congruential generator (Numerical Recipes): the moments can be had again from their seed. */
export function randomShares(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What one cut hit, and what became of it. */
export interface PowerCut {
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
export async function cutOnce(bench: Bench, isFlash: boolean, share: number): Promise<PowerCut> {
  const afterMs = Math.round(share * (isFlash ? FLASH_SPREAD_MS : UPGRADE_SPREAD_MS));
  const step = isFlash ? await cutWhileFlashing(bench, afterMs) : await cutWhileUpgrading(bench, afterMs);
  await bench.powerOn();
  await bench.shell();
  const { running } = await bench.bootState();
  await bench.assertConfigurationKept();
  await bench.confirmed(running);
  return { during: isFlash ? "flash" : "upgrade", afterMs, step, slot: running };
}
