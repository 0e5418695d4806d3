// SPDX-License-Identifier: GPL-2.0-only
// Upgrades from within Linux: the configuration stays, what is wrong is refused, what does not start is given up.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { runProgram } from "../../../src/host/run-program.js";
import type { Bench } from "./bench.js";
import { type Check, timed } from "./check.js";
import { SERVER_PORT } from "./lan-network.js";

/** Where the board fetches a file that the LAN's client serves. */
async function url(bench: Bench, name: string): Promise<string> {
  return `http://${await bench.lan.takeLease()}:${SERVER_PORT}/${name}`;
}

function serve(bench: Bench, name: string, bytes: Uint8Array): void {
  fs.writeFileSync(path.join(bench.servedFolder, name), bytes);
}

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
  fs.copyFileSync(path.join(folder, "slot.itb"), path.join(bench.servedFolder, "rootless.itb"));
}

export const UPGRADES: readonly Check[] = [
  {
    sentence: "an upgrade from within Linux starts the other slot and keeps the configuration",
    run: async (bench) => {
      const before = (await bench.bootState()).running;
      await bench.run("sed -i s/HOSTNAME=.*/HOSTNAME=kept/ /etc/board.conf && sync");
      const image = await url(bench, "slot.itb");
      const seconds = await timed(() => bench.restartBy(`board-upgrade ${image}`));
      const now = before === "a" ? "b" : "a";
      await bench.confirmed(now);
      assert.equal(await bench.run("hostname"), "kept");
      assert.equal(await bench.latestHistory(/started/), `started slot-${now} after: upgrade to slot-${now}`);
      return { upgrade_to_prompt: { value: seconds, unit: "s" } };
    },
  },
  {
    sentence: "an image that was damaged on its way to the board is not started",
    run: async (bench) => {
      const bytes = fs.readFileSync(bench.image.slotFile);
      bytes.writeUInt8(bytes.readUInt8(bytes.length / 2) ^ 1, bytes.length / 2);
      serve(bench, "damaged.itb", bytes);
      const before = await bench.bootState();
      const said = await bench.runRefused(`board-upgrade ${await url(bench, "damaged.itb")}`);
      assert.match(said, /is damaged; slot-[ab] stays in use/);
      assert.deepEqual(await bench.bootState(), before);
      return undefined;
    },
  },
  {
    sentence: "what is no image of this board is refused before anything is written",
    run: async (bench) => {
      serve(bench, "foreign.itb", Buffer.alloc(100_000));
      const said = await bench.runRefused(`board-upgrade ${await url(bench, "foreign.itb")}`);
      assert.match(said, /this is no image for vpnmasq,qemu-arm64; nothing was written/);
      return undefined;
    },
  },
  {
    sentence: "an image that does not start is given up after three starts, and the one before comes back",
    run: async (bench) => {
      const before = (await bench.bootState()).running;
      await makeRootlessImage(bench);
      const image = await url(bench, "rootless.itb");
      bench.board.console.sendLine(`board-upgrade ${image}`);
      await bench.board.console.expect(/rolling back/, 180_000, "U-Boot's roll-back");
      await bench.shell();
      const state = await bench.bootState();
      assert.equal(state.running, before);
      assert.equal(state.rolled_back, "1");
      assert.equal(await bench.run("hostname"), "kept");
      return undefined;
    },
  },
  {
    sentence: "a slot whose image is damaged in place is left out, and the other one starts and takes over",
    run: async (bench) => {
      const { running } = await bench.bootState();
      const other = running === "a" ? "b" : "a";
      // The other slot holds the image that cannot start: give it a good one first.
      await bench.restartBy(`board-upgrade ${await url(bench, "slot.itb")}`);
      await bench.confirmed(other);
      await bench.run(
        `. /usr/share/board/functions; dd if=/dev/zero of=$(partition slot-${other}) bs=64k seek=200 count=1 conv=fsync`,
      );
      await bench.restartBy("reboot");
      await bench.confirmed(running);
      return undefined;
    },
  },
];
