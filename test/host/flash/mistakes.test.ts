// SPDX-License-Identifier: GPL-2.0-only
// What somebody new gets wrong: each answer says what was wrong, what is accepted, and that nothing was done.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { flashCommand } from "../../../src/host/flash/command.js";
import { writeSysupgrade } from "./images.js";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-mistakes-"));
after(() => {
  fs.rmSync(folder, { recursive: true });
});

/** What ./flash.sh answers to words that are wrong, on one line. */
async function answer(...words: string[]): Promise<string> {
  let err = "";
  const status = await flashCommand(words, { out: () => undefined, err: (text) => (err += text) });
  assert.equal(status, 1, `no mistake: ${words.join(" ")}`);
  assert.doesNotMatch(err, /^ +at /m, "a stack trace");
  const wide = err.split("\n").filter((line) => line.length > 80 && !line.includes(folder) && !line.includes("https:"));
  assert.deepEqual(wide, [], "wider than 80 columns");
  return err.replaceAll(/\s+/g, " ");
}

function sysupgrade(name: string, ...devices: string[]): string {
  return writeSysupgrade(path.join(folder, name), 10_000, ...devices);
}

describe("a mistake with ./flash.sh", () => {
  it("a board's name: the nearest, and all", async () => {
    const text = await answer("gl-mt300n");
    assert.match(text, /no board "gl-mt300n"\. Did you mean gl-mt300n-v2\? There are: .*x86-64\. Nothing was done/);
  });

  it("--dry-run where it cannot be kept", async () => {
    assert.match(await answer("espruino", "--port", "/dev/null", "--dry-run"), /--dry-run is for boards.*Nothing was/);
    assert.match(await answer("qemu-arm64", "--dry-run", "--check"), /Either --check or --dry-run.*Nothing was done/);
  });

  it("no board, two boards", async () => {
    assert.match(await answer("--json"), /One board is to be named, here are 0\. \.\/flash\.sh --help/);
    assert.match(await answer("x86-64", "gl-mt6000"), /here are 2/);
  });

  it("an option's name, a value that is missing", async () => {
    assert.match(await answer("x86-64", "--devcie", "/dev/x"), /no option --devcie\. Did you mean --device\?/);
    assert.match(await answer("x86-64", "--image"), /--image needs a value: --image FILE/);
    assert.match(await answer("x86-64", "--image", "--yes"), /--image needs a value/);
  });

  it("no image: where one comes from", async () => {
    const text = await answer("gl-mt6000");
    assert.match(text, /--image FILE, or --image-builder FOLDER/);
    assert.match(text, /downloads\.openwrt\.org\/releases\/VERSION\/targets\/mediatek\/filogic/);
  });

  it("an image that is not there, or a folder: what is in it", async () => {
    sysupgrade("inside.bin", "x");
    assert.match(await answer("gl-mt6000", "--image", "/none.bin"), /There is no file \/none\.bin/);
    assert.match(
      await answer("gl-mt6000", "--image", folder),
      /is a folder; an image is a file\. In it are: .*inside\.bin/,
    );
  });

  it("another board's image: whose it is", async () => {
    const text = await answer("gl-mt300n-v2", "--image", sysupgrade("other.bin", "netgear,r6220"));
    assert.match(text, /is not right for gl-mt300n-v2\. It is for netgear,r6220\./);
    assert.match(text, /Nothing was done/);
  });

  it("a way that the board has not: which it has", async () => {
    assert.match(await answer("gl-mt300n-v2", "--way", "u-boot"), /no way "u-boot"; it has sysupgrade\./);
    assert.match(await answer("gl-mt300n-v2", "--device", "/dev/sdx"), /no way "disk"/);
    assert.match(await answer("qemu-malta", "--way", "disk"), /has none but by hand: --recover prints it/);
  });

  it("no console where one is needed, or a wrong one", async () => {
    const image = path.join(folder, "openwrt-ath79-nand-glinet_gl-ar300m-nand-squashfs-factory.img");
    fs.writeFileSync(image, Buffer.concat([Buffer.from("27051956", "hex"), Buffer.alloc(1000)]));
    const words = ["gl-ar300m", "--image", image];
    assert.match(await answer(...words, "--way", "u-boot"), /needs the board's console: --port PLACE/);
    assert.match(await answer(...words, "--port", "/dev/ttyUSB99"), /no \/dev\/ttyUSB99\..*Accepted:/);
    assert.match(await answer(...words, "--port", "/tmp"), /\/tmp is a folder, no console/);
  });

  it("an address's port that is no number", async () => {
    const image = sysupgrade("right.bin", "glinet,gl-mt300n-v2");
    assert.match(
      await answer("gl-mt300n-v2", "--image", image, "--to", "board:0"),
      /--to 0: a number .* above 0 is needed/,
    );
  });

  it("both an image and an ImageBuilder", async () => {
    const text = await answer("gl-mt6000", "--image", "a", "--image-builder", "b");
    assert.match(text, /Either --image or --image-builder/);
  });

  it("not being root is said before anything is installed", () => {
    const { status, stderr } = spawnSync("setpriv", ["--reuid=65534", "--clear-groups", "./flash.sh", "--list"], {
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stderr, /This needs root/);
  });
});
