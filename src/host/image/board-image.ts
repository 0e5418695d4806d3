// SPDX-License-Identifier: GPL-2.0-only
// The image of the emulated board, made from Debian's packages, firmware/image and what is built of vpnmasq.
//
// Two things come out: what a slot holds (one FIT image with kernel, initial RAM disk and root), and what the boot
// partitions hold (a file system with U-Boot's script). Both are kept in the user's cache, under a name for all inputs.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { cachedFolder } from "../cache.js";
import { runProgram } from "../run-program.js";
import { debianTree } from "./debian-tree.js";
import { kernelVersion } from "./kernel-modules.js";
import { IMAGE_SOURCES, makeRootTree, makeStartTree, PRODUCT } from "./trees.js";
import { readWordList } from "./word-list.js";

const ARCHITECTURE = "arm64";
/** Where the FIT's parts begin, the root file system first: firmware/image/initramfs/init looks for it there. */
const FIT_PARTS_OFFSET = 4096;
/** Of the boot file system: U-Boot's script is 4 kB, and FAT needs some room to be one. */
const BOOT_BYTES = 1024 * 1024;
/** Times in the image do not depend on when it is made: two builds of the same inputs are equal. */
const EPOCH_SECONDS = "1700000000";

export interface BoardImage {
  /** What goes into a slot. */
  readonly slotFile: string;
  /** What goes into each boot partition. */
  readonly bootFile: string;
  /** Names the inputs. */
  readonly key: string;
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** A name for all that the image is made from: the packages' tree has its own in its path. */
function imageKey(packages: string): string {
  const hash = createHash("sha256").update(packages);
  const product = PRODUCT.map(([source]) => source);
  const recipe = filesBelow("build/host/src/host/image").filter((file) => file.endsWith(".js"));
  for (const file of [...filesBelow(IMAGE_SOURCES), ...product, ...recipe]) {
    hash.update(`${file}\0${fs.statSync(file).mode}\0`).update(fs.readFileSync(file));
  }
  return hash.digest("hex");
}

const environment = { ...process.env, SOURCE_DATE_EPOCH: EPOCH_SECONDS };

async function makeSlot(packages: string, key: string, folder: string, target: string): Promise<void> {
  await makeRootTree(packages, path.join(folder, "root"), key);
  const squash = ["root", "root.squashfs", "-comp", "zstd", "-all-root", "-noappend", "-no-progress", "-quiet"];
  await runProgram("mksquashfs", squash, { folder, environment });

  await makeStartTree(packages, path.join(folder, "start"));
  const archive =
    "find . | LC_ALL=C sort | cpio --quiet --create --format=newc --owner=0:0 | gzip -9n >../start.cpio.gz";
  await runProgram("sh", ["-ec", archive], { folder: path.join(folder, "start") });

  const kernel = path.join(packages, "boot", `vmlinuz-${kernelVersion(packages)}`);
  await runProgram("sh", ["-ec", `lz4 -9 --no-frame-crc -c "$1" >kernel.lz4`, "sh", path.resolve(kernel)], { folder });

  fs.cpSync(path.join(IMAGE_SOURCES, "boot/image.its"), path.join(folder, "image.its"));
  const fit = ["-E", "-p", FIT_PARTS_OFFSET.toString(16), "-f", "image.its", path.resolve(target)];
  await runProgram("mkimage", fit, { folder, environment });
}

async function makeBoot(folder: string, target: string): Promise<void> {
  const script = path.join(folder, "boot.scr");
  const source = path.join(IMAGE_SOURCES, "boot/boot.cmd");
  await runProgram("mkimage", ["-T", "script", "-A", ARCHITECTURE, "-C", "none", "-d", source, script], {
    environment,
  });
  fs.writeFileSync(target, Buffer.alloc(BOOT_BYTES));
  await runProgram("mkfs.fat", ["--invariant", target]);
  await runProgram("mcopy", ["-i", target, "-m", script, "::boot.scr"], { environment });
}

/** The image, made first if it is not there: half a minute, or a quarter with the packages at hand. */
export async function boardImage(progress: (text: string) => void): Promise<BoardImage> {
  const packages = readWordList(path.join(IMAGE_SOURCES, "debian-packages.txt")).map(([name]) => name);
  const tree = await debianTree(ARCHITECTURE, packages, progress);
  const key = imageKey(tree);
  const folder = await cachedFolder("qemu-arm64", key, progress, async (partial) => {
    progress("building the image");
    const work = path.join(partial, "work");
    fs.mkdirSync(work);
    await makeSlot(tree, key, work, path.join(partial, "slot.itb"));
    await makeBoot(work, path.join(partial, "boot.img"));
    fs.rmSync(work, { recursive: true });
  });
  return { slotFile: path.join(folder, "slot.itb"), bootFile: path.join(folder, "boot.img"), key };
}
