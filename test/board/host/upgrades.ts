// SPDX-License-Identifier: GPL-2.0-only
// Upgrades from within Linux: the configuration stays, what is wrong is refused.

import assert from "node:assert/strict";
import fs from "node:fs";
import { type Check, timed } from "./check.js";

export const UPGRADES: readonly Check[] = [
  {
    sentence: "an upgrade from within Linux starts the other slot and keeps the configuration",
    run: async (bench) => {
      const before = (await bench.bootState()).running;
      await bench.changeConfiguration();
      const image = await bench.url("slot.itb");
      const seconds = await timed(() => bench.restartBy(`board-upgrade ${image}`));
      const now = before === "a" ? "b" : "a";
      await bench.confirmed(now);
      await bench.assertConfigurationKept();
      assert.equal(await bench.latestHistory(/started/), `started slot-${now} after: upgrade to slot-${now}`);
      return { upgrade_to_prompt: { value: seconds, unit: "s" } };
    },
  },
  {
    sentence: "an image that was damaged on its way to the board is not started",
    run: async (bench) => {
      const bytes = fs.readFileSync(bench.image.slotFile);
      bytes.writeUInt8(bytes.readUInt8(bytes.length / 2) ^ 1, bytes.length / 2);
      bench.serve("damaged.itb", bytes);
      const before = await bench.bootState();
      const said = await bench.runRefused(`board-upgrade ${await bench.url("damaged.itb")}`);
      assert.match(said, /is damaged; slot-[ab] stays in use/);
      assert.deepEqual(await bench.bootState(), before);
      return undefined;
    },
  },
  {
    sentence: "what is no image of this board is refused before anything is written",
    run: async (bench) => {
      bench.serve("foreign.itb", Buffer.alloc(100_000));
      const said = await bench.runRefused(`board-upgrade ${await bench.url("foreign.itb")}`);
      assert.match(said, /this is no image for vpnmasq,qemu-arm64; nothing was written/);
      return undefined;
    },
  },
];
