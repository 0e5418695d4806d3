// SPDX-License-Identifier: GPL-2.0-only
// Flashing through a boot loader: a real U-Boot in QEMU, a real tftp server, the console over a unix socket.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConsoleLink } from "../../../src/host/console/link.js";
import { openPlace, placeOf } from "../../../src/host/console/port.js";
import { UBoot } from "../../../src/host/flash/u-boot.js";
import { noise, UIMAGE_MAGIC } from "./images.js";

const BOARD = path.resolve("test/host/flash/board-by-console.sh");
const FLASH = path.resolve("build/host/test/host/flash/flash-by-console.js");
/** Where the test's way writes to: block 0x800. */
const OFFSET_BYTES = 0x800 * 512;
const IMAGE_BYTES = 3_000_001;
const ATTEMPTS = 200;
const INTERVAL_MS = 50;

describe("flashing through a boot loader", () => {
  let folder = "";
  let image = "";
  let board: ChildProcess;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-loader-"));
    image = path.join(folder, "factory.img");
    fs.writeFileSync(image, noise(IMAGE_BYTES, UIMAGE_MAGIC));
    board = spawn("unshare", ["--net", "--", "sh", BOARD, folder], { stdio: "ignore" });
    for (let attempt = 0; !fs.existsSync(path.join(folder, "console")); attempt += 1) {
      assert.ok(attempt < ATTEMPTS, "the board's console did not appear");
      await sleep(INTERVAL_MS);
    }
  });
  afterEach(() => {
    board.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the flashing beside the board; `onText` sees what it says. */
  async function flash(words: readonly string[], onText: (text: string) => void = () => undefined) {
    const nsenter = ["--target", String(board.pid), "--net", "node", FLASH, folder, image, ...words];
    const child = spawn("nsenter", nsenter, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        onText(said);
      });
    }
    const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { status, said };
  }

  function flashed(): Buffer {
    return fs.readFileSync(path.join(folder, "disk")).subarray(OFFSET_BYTES, OFFSET_BYTES + IMAGE_BYTES);
  }

  it("loads, checks, writes and reads back the image", async () => {
    const { status, said } = await flash([]);
    assert.equal(status, 0, said);
    assert.ok(flashed().equals(fs.readFileSync(image)));
  });

  it("writes nothing when the image does not come", async () => {
    // The file goes after it was read here and before the board asks for it.
    const { status, said } = await flash([], (text) => {
      if (text.includes("Stops the boot loader")) fs.rmSync(image, { force: true });
    });
    assert.equal(status, 1);
    assert.match(
      said,
      /did not work: Loads the image into the board's memory\.\n {2}the boot loader says: TFTP\s+error/,
    );
    assert.match(said, /Nothing was written/);
    assert.ok(flashed().every((byte) => byte === 0));
  });

  it("sees when something else was written than the image", async () => {
    const { status, said } = await flash(["virtio write 0x45000000 0x800 0x16e4 && echo all is written"]);
    assert.equal(status, 1);
    assert.match(said, /did not work: Checks what was written\.\n {2}the CRC-32 is [0-9a-f]{8}, the image's/);
    assert.match(said, /stays at its boot loader's prompt/);
  });

  it("sees when the boot loader's own command fails", async () => {
    const { status, said } = await flash(["part start virtio 0 none place && echo all is written"]);
    assert.equal(status, 1);
    assert.match(said, /did not work: Writes the image\.\n {2}the boot loader (says|did not say)/);
    assert.ok(flashed().every((byte) => byte === 0));
  });

  it("is stopped, and tells of each command what it said and whether it failed", async () => {
    const link = new ConsoleLink(await openPlace(placeOf(path.join(folder, "console")), 0));
    try {
      const loader = await UBoot.stop(link);
      assert.equal(await loader.run("echo one; echo two"), "one\ntwo");
      assert.equal(await loader.run("true"), "");
      assert.equal(await loader.variable("none"), "");
      await assert.rejects(loader.run("echo why; false"), /^Error: U-Boot: "echo why; false" failed:\nwhy$/);
      // Several words and more than a terminal's line: as it is flashed.
      await loader.run(
        "setenv active a; setenv trial 1; setenv tries 0; setenv rolled_back 0; setenv board_mode flash",
      );
      assert.equal(await loader.variable("active"), "a");
      const again = await UBoot.stop(link);
      assert.equal(await again.memoryChecksum(0x44000000, 0), 0);
    } finally {
      link.close();
    }
  });

  it("says what is left when the console is lost", async () => {
    const { status, said } = await flash([], (text) => {
      if (text.includes("Loads the image")) board.kill("SIGKILL");
    });
    assert.equal(status, 1);
    assert.match(said, /The console is lost:.*Nothing was written/s);
  });
});
