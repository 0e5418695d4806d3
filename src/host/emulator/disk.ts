// SPDX-License-Identifier: GPL-2.0-only
// The emulated board as it leaves its factory: U-Boot in its boot flash, and an eMMC that is partitioned and empty.

import fs from "node:fs";
import path from "node:path";
import type { Partition } from "../board/board.js";
import { readBoard } from "../board/catalogue.js";
import { runProgram } from "../run-program.js";

/** Debian's package u-boot-qemu. */
const U_BOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";
/** QEMU's board has two banks of NOR flash, this large each. */
const BOOT_FLASH_BYTES = 64 * 1024 * 1024;
/**
 * U-Boot's default environment waits 2 s for a key. As on boards that are sold it is 1 s here, which is enough for a person
 * and for the flash tool; the value stands in U-Boot's binary as text.
 */
const AUTOBOOT_DELAY = { debian: "bootdelay=2\0", board: "bootdelay=1\0" };
const SECTOR_BYTES = 512;
/** Of a GPT partition's attributes: the bit that says so (UEFI, table "GPT Partition Entry Attributes"). */
const LEGACY_BOOTABLE = 2;
/** The board that is emulated, and that there is an image for. */
export const EMULATED_BOARD = "qemu-arm64";

/** The files that are the board's memory. */
export interface BoardStorage {
  readonly bootFlash: string;
  readonly emmc: string;
}

/** The board's description says where each partition lies. U-Boot looks for its script in the bootable ones. */
function partitionWords(partitions: readonly Partition[]): string[] {
  return partitions.flatMap(({ name, offsetBytes = 0, sizeBytes = 0 }, index) => {
    const number = index + 1;
    const [first, last] = [offsetBytes / SECTOR_BYTES, (offsetBytes + sizeBytes) / SECTOR_BYTES - 1];
    const words = ["--new", `${number}:${first}:${last}`, "--change-name", `${number}:${name}`];
    return name.startsWith("boot-") ? [...words, "--attributes", `${number}:set:${LEGACY_BOOTABLE}`] : words;
  });
}

/** Writes the boot flash: U-Boot with this board's delay, and nothing behind it. */
function writeBootFlash(file: string): void {
  const loader = fs.readFileSync(U_BOOT);
  const place = loader.indexOf(AUTOBOOT_DELAY.debian);
  if (place < 0) throw new Error(`${U_BOOT} does not have the default environment of Debian 12's u-boot-qemu`);
  loader.write(AUTOBOOT_DELAY.board, place);
  fs.writeFileSync(file, loader);
  fs.truncateSync(file, BOOT_FLASH_BYTES);
}

/** Makes the board's storage in a folder, where it is not there yet. */
export async function boardStorage(folder: string): Promise<BoardStorage> {
  const emmc = readBoard(EMULATED_BOARD).flash[0];
  if (emmc?.sizeBytes === undefined)
    throw new Error(`boards/${EMULATED_BOARD}.json does not say how large the eMMC is`);
  const storage = { bootFlash: path.join(folder, "boot-flash.img"), emmc: path.join(folder, "emmc.img") };
  fs.mkdirSync(folder, { recursive: true });
  writeBootFlash(storage.bootFlash);
  if (fs.existsSync(storage.emmc)) return storage;
  const partial = `${storage.emmc}.partial`;
  fs.rmSync(partial, { force: true });
  fs.closeSync(fs.openSync(partial, "w"));
  fs.truncateSync(partial, emmc.sizeBytes);
  await runProgram("sgdisk", [...partitionWords(emmc.partitions), partial]);
  fs.renameSync(partial, storage.emmc);
  return storage;
}
