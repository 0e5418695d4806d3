// SPDX-License-Identifier: GPL-2.0-only
// An image is taken only for its board: another's, another format's, too large ones and unmarked ones are refused.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { readBoard } from "../../../src/host/board/catalogue.js";
import { imageProblem } from "../../../src/host/flash/image-fit.js";
import { type Image, readImage } from "../../../src/host/flash/image.js";
import { FIT_MAGIC, noise, UIMAGE_MAGIC, writeDisk, writeSysupgrade } from "./images.js";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-image-"));
after(() => {
  fs.rmSync(folder, { recursive: true });
});

function place(name: string): string {
  return path.join(folder, name);
}

function problemOf(image: Image, board = "gl-mt300n-v2", kind = "sysupgrade", isUnchecked = false): string {
  return imageProblem(image, readBoard(board), kind, isUnchecked) ?? "";
}

function written(name: string, content: Buffer): Image {
  fs.writeFileSync(place(name), content);
  return readImage(place(name));
}

describe("an image for a board", () => {
  it("is taken under any of the board's names", () => {
    for (const name of ["glinet,gl-mt300n-v2", "gl-mt300n-v2"]) {
      assert.equal(problemOf(readImage(writeSysupgrade(place("right.bin"), 10_000, "other", name))), "");
    }
  });

  it("is refused when it is another board's: whose, and what is wanted", () => {
    const problem = problemOf(readImage(writeSysupgrade(place("other.bin"), 10_000, "glinet,gl-mt6000")));
    assert.match(problem, /It is for glinet,gl-mt6000\. GL\.iNet GL-MT300N-V2 takes images for glinet,gl-mt300n-v2 or/);
  });

  it("is refused when it is too large: by how much, and why", () => {
    const tooLarge = readImage(writeSysupgrade(place("large.bin"), 16_449_537, "gl-mt300n-v2"));
    assert.match(problemOf(tooLarge), /at most 16449536 fit: the partition firmware has 16064 KiB/);
  });

  it("is refused when it is of another format", () => {
    const problem = problemOf(written("fit.bin", noise(5000, FIT_MAGIC)));
    assert.match(
      problem,
      /It is a flattened image tree\. This way takes a kernel with a uImage header, OpenWrt's file \*/,
    );
  });

  it("is refused when it does not say its board, unless one vouches for it", () => {
    const unmarked = written("x-glinet_gl-mt300n-v2-squashfs-sysupgrade.bin", noise(5000, UIMAGE_MAGIC));
    assert.match(problemOf(unmarked), /no metadata of OpenWrt.*--unchecked-image/);
    assert.equal(problemOf(unmarked, "gl-mt300n-v2", "sysupgrade", true), "");
  });

  it("is known by its name where OpenWrt writes no metadata: images for boot loaders", () => {
    const named = written(
      "openwrt-24.10.0-ath79-nand-glinet_gl-ar300m-nand-squashfs-factory.img",
      noise(5000, UIMAGE_MAGIC),
    );
    assert.equal(problemOf(named, "gl-ar300m", "factory"), "");
    const other = written(
      "openwrt-24.10.0-ath79-nand-glinet_gl-ar750s-nor-nand-squashfs-factory.img",
      noise(5000, UIMAGE_MAGIC),
    );
    assert.match(
      problemOf(other, "gl-ar300m", "factory"),
      /its name does not end in "glinet_gl-ar300m-nand-squashfs-fac/,
    );
  });
});

describe("an image file", () => {
  it("of a disk is measured unpacked, whatever metadata follows it", () => {
    const disk = writeDisk(place("disk.img.gz"), 100_000, "generic");
    assert.equal(readImage(place("disk.img.gz")).unpackedBytes, disk.length);
  });

  it("that is missing, a folder, empty or damaged is refused in words", () => {
    fs.writeFileSync(place("empty.bin"), "");
    const damaged = fs.readFileSync(writeSysupgrade(place("damaged.bin"), 5000, "x"));
    damaged.writeUInt8(1, 100);
    fs.writeFileSync(place("damaged.bin"), damaged);
    assert.throws(() => readImage(place("none.bin")), {
      message: /There is no file .*none\.bin\. An image is to be given/,
    });
    assert.throws(() => readImage(folder), {
      message: /is a folder; an image is a file\. In it are:\n {2}.*damaged\.bin/,
    });
    assert.throws(() => readImage(place("empty.bin")), { message: /is empty/ });
    assert.throws(() => readImage(place("damaged.bin")), { message: /is no whole image: its checksum is wrong/ });
  });

  it("of a disk that was downloaded in part is refused", () => {
    fs.writeFileSync(place("part.img.gz"), Buffer.from("1f8b0800000000000003", "hex"));
    assert.throws(() => readImage(place("part.img.gz")), { message: /cannot be unpacked: unexpected end of file/ });
  });
});
