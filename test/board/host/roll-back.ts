// SPDX-License-Identifier: GPL-2.0-only
// A slot that does not start is left, whatever keeps it from starting, and the other one takes over.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { runProgram } from "../../../src/host/run-program.js";
import type { Bench } from "./bench.js";
import { type Check, timed } from "./check.js";

/** Three starts that fail, under emulation on a busy machine. */
const ROLL_BACK_LIMIT_MS = 180_000;
/** Of the image's end, which is the initial RAM disk: the running system does not need it any more. */
const DAMAGE_BYTES = 4096;

/** An image that is whole by its hashes and cannot start: where its root should be, there are zeros. */
async function makeRootlessImage(bench: Bench): Promise<void> {
  const folder = fs.mkdtempSync(path.join(bench.folder, "rootless-"));
  const take = (part: number, file: string): Promise<string> =>
    runProgram("dumpimage", ["-T", "flat_dt", "-p", String(part), "-o", path.join(folder, file), bench.image.slotFile]);
  await take(1, "kernel.lz4");
  await take(2, "start.cpio.gz");
  fs.writeFileSync(path.join(folder, "root.squashfs"), Buffer.alloc(4096));
  fs.copyFileSync("firmware/image/boot/image.its", path.join(folder, "image.its"));
  await runProgram("mkimage", ["-E", "-p", "1000", "-f", "image.its", "slot.itb"], { folder });
  bench.serve("rootless.itb", fs.readFileSync(path.join(folder, "slot.itb")));
}

export const DAMAGED_SLOT: readonly Check[] = [
  {
    sentence: "a slot whose image is damaged in place is left out, and the other one starts and takes over",
    run: async (bench) => {
      const { running } = await bench.bootState();
      const other = running === "a" ? "b" : "a";
      await bench.changeConfiguration();
      const damageBlock = Math.floor(fs.statSync(bench.image.slotFile).size / DAMAGE_BYTES) - 1;
      await bench.run(
        `. /usr/share/board/functions; dd if=$(partition slot-${running}) of=$(partition slot-${other}) bs=64k conv=fsync; ` +
          `dd if=/dev/zero of=$(partition slot-${running}) bs=${DAMAGE_BYTES} seek=${damageBlock} count=1 conv=fsync`,
      );
      const seconds = await timed(() => bench.restartBy("reboot"));
      await bench.confirmed(other);
      assert.equal((await bench.bootState()).rolled_back, "1");
      await bench.assertConfigurationKept();
      return { damaged_slot_to_prompt: { value: seconds, unit: "s" } };
    },
  },
];

export const ROLL_BACK: readonly Check[] = [
  {
    sentence: "an image that does not start is given up after three starts, and the one before comes back",
    run: async (bench) => {
      const before = (await bench.bootState()).running;
      await makeRootlessImage(bench);
      await bench.changeConfiguration();
      bench.board.console.discard();
      const seconds = await timed(async () => {
        bench.board.console.sendLine(`board-upgrade ${await bench.url("rootless.itb")}`);
        await bench.board.console.expect(/rolling back/, ROLL_BACK_LIMIT_MS, "U-Boot's roll-back");
        await bench.shell();
      });
      const state = await bench.bootState();
      assert.equal(state.running, before);
      assert.equal(state.rolled_back, "1");
      await bench.assertConfigurationKept();
      return { bad_upgrade_to_prompt: { value: seconds, unit: "s" } };
    },
  },
];
