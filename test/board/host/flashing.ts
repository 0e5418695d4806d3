// SPDX-License-Identifier: GPL-2.0-only
// Flashing through U-Boot: what works, and what is refused without harm.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { ConsoleProblem } from "../../../src/host/console/link.js";
import { flashBoard } from "../../../src/host/flash/emulated.js";
import { flashFromUBoot } from "../../../src/host/flash/slot.js";
import { UBoot, UBootProblem } from "../../../src/host/flash/u-boot.js";
import type { Bench } from "./bench.js";
import { type Check, timed } from "./check.js";

const noProgress = (): void => undefined;

/** A copy of the image with something done to it, in a folder of its own, for tftp. */
function spoiltImage(
  bench: Bench,
  spoil: (bytes: Buffer) => Buffer,
): { slotFile: string; bootFile: string; key: string } {
  const folder = fs.mkdtempSync(path.join(bench.folder, "spoilt-"));
  const slotFile = path.join(folder, "slot.itb");
  const bootFile = path.join(folder, "boot.img");
  fs.writeFileSync(slotFile, spoil(fs.readFileSync(bench.image.slotFile)));
  fs.copyFileSync(bench.image.bootFile, bootFile);
  return { slotFile, bootFile, key: "spoilt" };
}

/** Flashes what must not be flashed. @returns why it was refused */
async function refusalOf(bench: Bench, spoil: (bytes: Buffer) => Buffer): Promise<string> {
  const image = spoiltImage(bench, spoil);
  const tftpFolder = path.dirname(image.slotFile);
  const board = await bench.powerOn({ kind: "user", network: "192.168.1.0/24", tftpFolder });
  const uBoot = await UBoot.stop(board.console);
  try {
    await flashFromUBoot(uBoot, image, noProgress);
  } catch (problem) {
    assert.ok(problem instanceof UBootProblem, String(problem));
    return problem.message;
  }
  return assert.fail("it was flashed");
}

const SLOT_BYTES = 24 * 1024 * 1024;

/** All others need a board that it has flashed. */
export const FIRST: Check = {
  sentence: "an empty board is flashed through its U-Boot, starts, and confirms the slot",
  run: async (bench) => {
    const board = await bench.powerOnForFlashing();
    let startSeconds = 0;
    const totalSeconds = await timed(async () => {
      let startedMs = 0;
      await flashBoard(board, bench.image, (step) => {
        if (step.startsWith("start slot")) startedMs = performance.now();
        if (step.includes("confirms") && startSeconds === 0) startSeconds = (performance.now() - startedMs) / 1000;
      });
    });
    assert.equal((await bench.bootState()).active, "b");
    await bench.powerOn(); // the others find the LAN's client at the LAN port
    await bench.shell();
    return {
      flash_and_confirm: { value: totalSeconds, unit: "s" },
      reset_to_prompt: { value: startSeconds, unit: "s" },
    };
  },
};

export const FLASHING: readonly Check[] = [
  {
    sentence: "an image that was damaged on its way to us is refused before anything is written",
    run: async (bench) => {
      const damaged = await refusalOf(bench, (bytes) => {
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 100) ^ 1, bytes.length - 100);
        return bytes;
      });
      assert.match(damaged, /iminfo .* failed/s);
      return undefined;
    },
  },
  {
    sentence: "an image that does not fit the slot is refused before anything is written",
    run: async (bench) => {
      const tooLarge = await refusalOf(bench, (bytes) =>
        Buffer.concat([bytes, Buffer.alloc(SLOT_BYTES - bytes.length + 1)]),
      );
      assert.match(tooLarge, /has room for 25165824. Nothing was written/);
      return undefined;
    },
  },
  {
    sentence: "when the console is lost while flashing, the board still starts what it ran before",
    run: async (bench) => {
      const board = await bench.powerOnForFlashing();
      const uBoot = await UBoot.stop(board.console);
      const lost = flashFromUBoot(uBoot, bench.image, (step) => {
        if (step.startsWith("write slot")) board.console.close();
      });
      await assert.rejects(lost, (problem) => problem instanceof ConsoleProblem && problem.isLost);
      await bench.powerOn();
      await bench.shell();
      assert.equal((await bench.bootState()).running, "b");
      return undefined;
    },
  },
];
