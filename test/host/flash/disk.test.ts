// SPDX-License-Identifier: GPL-2.0-only
// Flashing a disk: a real block device (a loop device over a file) gets the image, and what must not be written is not.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { flashCommand } from "../../../src/host/flash/command.js";
import { diskJudge } from "../../../src/host/flash/disk-plan.js";
import { type Image, readImage } from "../../../src/host/flash/image.js";
import { writeDisk } from "./images.js";

const DISK_BYTES = 8 * 1024 * 1024;
const IMAGE_BYTES = 5_000_000;

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function flash(...words: string[]): Promise<Outcome> {
  let out = "";
  let err = "";
  const status = await flashCommand(["x86-64", ...words], {
    out: (text) => (out += text),
    err: (text) => (err += text),
  });
  return { status, out, err };
}

describe("flashing a disk", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-disk-"));
  const file = path.join(folder, "disk");
  const image = path.join(folder, "openwrt-x86-64-generic-squashfs-combined-efi.img.gz");
  let device = "";
  let content: Buffer = Buffer.alloc(0);
  before(() => {
    fs.writeFileSync(file, Buffer.alloc(DISK_BYTES, 0xff));
    device = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
    content = writeDisk(image, IMAGE_BYTES, "generic");
  });
  after(() => {
    execFileSync("losetup", ["--detach", device]);
    fs.rmSync(folder, { recursive: true });
  });

  it("asks first, and takes no silence for yes", async () => {
    const { status, err } = await flash("--image", image, "--device", device);
    assert.equal(status, 1);
    assert.match(err, /nobody to ask: --yes says that it is meant/);
    assert.deepEqual(fs.readFileSync(file).subarray(0, 16), Buffer.alloc(16, 0xff));
  });

  it("writes the unpacked image, without the metadata behind it, and compares it", async () => {
    const { status, err } = await flash("--image", image, "--device", device, "--yes");
    assert.equal(status, 0, err);
    assert.match(err, /4\/4 Compares the disk with the image/);
    const disk = fs.readFileSync(file);
    assert.deepEqual(disk.subarray(0, IMAGE_BYTES), content);
    assert.equal(disk[IMAGE_BYTES], 0xff);
  });

  it("writes nothing that is larger than the disk", async () => {
    const large = path.join(folder, "large.img.gz");
    writeDisk(large, DISK_BYTES + 512, "generic");
    const { status, err } = await flash("--image", large, "--device", device, "--yes");
    assert.equal(status, 1);
    assert.match(err, /it has 8388608 bytes, the image 8389120/);
  });

  it("writes to no file and to nothing that is not there", async () => {
    const toFile = await flash("--image", image, "--device", file, "--yes");
    assert.match(toFile.err, /Step 1 of 4 did not work: Looks at .*it is no block device.*Nothing was written/s);
    const toNothing = await flash("--image", image, "--device", "/dev/none", "--yes");
    assert.match(toNothing.err, /Looks at \/dev\/none\.\n {2}it is no block device/);
  });

  it("asks which disk when none is named", async () => {
    const { err } = await flash("--image", image);
    assert.match(err, /Which disk is to be written\? --device \/dev\/sdX/);
  });
});

describe("what lsblk says of a disk", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-lsblk-"));
  let image: Image | undefined;
  before(() => {
    writeDisk(path.join(folder, "small.img.gz"), 1000, "generic");
    image = readImage(path.join(folder, "small.img.gz"));
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  function verdict(device: object): string {
    assert.ok(image !== undefined);
    const disk = { path: "/dev/sdx", type: "disk", size: 1e9, ro: false, model: null, mountpoints: [null], ...device };
    return diskJudge(image)({ status: 0, output: JSON.stringify({ blockdevices: [disk] }) }) ?? "";
  }

  it("lets a whole, unused disk be written", () => {
    assert.equal(verdict({}), "");
  });

  it("spares a partition, a write-protected disk, and one that is in use", () => {
    assert.match(verdict({ type: "part" }), /is a part, not a whole disk/);
    assert.match(verdict({ ro: true }), /write-protected/);
    assert.match(verdict({ mountpoints: ["/media"] }), /in use: \/dev\/sdx at \/media\. Unmount it first/);
    const root = { path: "/dev/sdx1", type: "part", size: 1, ro: false, model: null, mountpoints: ["/"] };
    assert.match(verdict({ children: [root] }), /in use: \/dev\/sdx1 at \//);
  });
});
