// SPDX-License-Identifier: GPL-2.0-only
// The console of the emulated board, found without its place: here a shell stands for the board.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { boardFolder, shareConsole } from "../../../src/host/emulator/shared-console.js";
import { consoleTool, Ends, OPENWRT_SHELL } from "./ends.js";

const BOARD = "qemu-arm64";
const TOOL_FAILED = 125;

describe("the console of the emulated board", () => {
  const ends = new Ends();
  const cache = process.env.XDG_CACHE_HOME;
  before(() => {
    process.env.XDG_CACHE_HOME = path.join(ends.folder, "cache");
    fs.mkdirSync(boardFolder(), { recursive: true });
  });
  after(() => {
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
    ends.close();
  });

  it("is not there when no board runs: how to start one", async () => {
    const { status, stderr } = await consoleTool(BOARD, "--run", "true");
    assert.equal(status, TOOL_FAILED);
    assert.match(stderr, /No emulated board runs here.*\.\/flash\.sh\s+qemu-arm64/s);
  });

  it("is found while one runs, again and again, and is gone afterwards", async () => {
    const stream = net.connect(await ends.socket(OPENWRT_SHELL));
    const endSharing = await shareConsole(stream);
    for (const word of ["one", "two"]) {
      const { stdout, stderr } = await consoleTool(BOARD, "--run", `echo ${word}`);
      assert.equal(stdout, `${word}\n`, stderr);
    }
    endSharing();
    stream.destroy();
    assert.equal((await consoleTool(BOARD, "--run", "true")).status, TOOL_FAILED);
  });

  it("is opened although a board that was killed left its socket", async () => {
    fs.writeFileSync(path.join(boardFolder(), "console"), "");
    const stream = net.connect(await ends.socket(OPENWRT_SHELL));
    const endSharing = await shareConsole(stream);
    assert.equal((await consoleTool(BOARD, "--run", "echo there")).stdout, "there\n");
    endSharing();
    stream.destroy();
  });
});
