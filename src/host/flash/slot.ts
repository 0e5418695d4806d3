// SPDX-License-Identifier: GPL-2.0-only
// Puts an image on the emulated board: the way a person does it with a serial cable and a tftp server.
//
// The order is what makes it safe: into memory, compared; into the slot that is not in use, read back and compared; and
// only then the boot state says that this slot is on trial. Whatever fails before leaves the board as it was.

import fs from "node:fs";
import path from "node:path";
import type { BoardImage } from "../image/board-image.js";
import { UBoot, UBootProblem } from "./u-boot.js";

/** tftp hands over 20 MB in 1 s under emulation; a busy machine may take twenty times as long. */
const TRANSFER_LIMIT_MS = 60_000;
/** A block of the eMMC, as U-Boot counts them. */
const BLOCK_BYTES = 512;
/** What one mark of U-Boot's tftp stands for: ten packets (net/tftp.c) of the size that its configuration asks for. */
const TFTP_MARK_BYTES = 10 * 1468;
/** Free memory of the board while U-Boot runs: that of boot.cmd. */
const FIT_VARIABLE = "board_fit";
const SCRATCH_ADDRESS = 0x42200000;
/** The network of U-Boot's tftp: nobody else is on it. */
export const FLASH_NETWORK = "192.168.1.0/24";
const BOARD_ADDRESS = "192.168.1.1";
const HOST_ADDRESS = "192.168.1.2";
const BOOT_PARTITIONS = ["boot-0", "boot-1"];

/** Told of each step, and of how much of it is done: 0 to 1. */
export type StepProgress = (step: string, share: number) => void;

function blocksOf(bytes: number): string {
  return Math.ceil(bytes / BLOCK_BYTES).toString(16);
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

/** The step that takes long enough for a bar. */
export const FETCH_IMAGE = "fetch the image by tftp, compare its checksum";

/** Fetches a file into the board's memory, and compares it. */
async function fetch(
  board: UBoot,
  file: string,
  address: number,
  report: (share: number) => void,
): Promise<Uint8Array> {
  const bytes = fs.readFileSync(file);
  const name = path.basename(file);
  let marks = 0;
  const end = board.link.onText((text) => {
    marks += text.split("#").length - 1;
    report(Math.min(1, (marks * TFTP_MARK_BYTES) / bytes.length));
  });
  try {
    await board.run(`tftpboot ${hexadecimal(address)} ${name}`, TRANSFER_LIMIT_MS);
  } finally {
    end();
  }
  await board.compareMemory(address, bytes, `${name} in the board's memory`);
  return bytes;
}

/** Writes what is in memory into a partition, and compares what can be read from there. */
async function write(board: UBoot, partition: string, bytes: Uint8Array, address: number): Promise<void> {
  await board.run(`part start virtio 0 ${partition} part_start; part size virtio 0 ${partition} part_size`);
  const size = Number.parseInt(await board.variable("part_size"), 16) * BLOCK_BYTES;
  if (bytes.length > size) {
    throw new UBootProblem(
      `The image has ${bytes.length} bytes; ${partition} has room for ${size}. Nothing was written.`,
    );
  }
  const place = `${hexadecimal(address)} \${part_start} ${blocksOf(bytes.length)}`;
  await board.run(`virtio write ${place}`, TRANSFER_LIMIT_MS);
  await board.run(`mw.b ${hexadecimal(address)} 0 ${bytes.length.toString(16)}`);
  await board.run(`virtio read ${place}`, TRANSFER_LIMIT_MS);
  await board.compareMemory(address, bytes, `${partition}, read back,`);
}

/** Brings U-Boot's script up to date: one boot partition after the other, so that one is whole at any moment. */
async function updateBoot(board: UBoot, image: BoardImage, progress: StepProgress): Promise<void> {
  const wanted = fs.readFileSync(image.bootFile);
  for (const partition of BOOT_PARTITIONS) {
    await board.run(`part start virtio 0 ${partition} part_start`);
    await board.run(`virtio read ${hexadecimal(SCRATCH_ADDRESS)} \${part_start} ${blocksOf(wanted.length)}`);
    const isRight = await board.compareMemory(SCRATCH_ADDRESS, wanted, partition).then(
      () => true,
      () => false,
    );
    if (isRight) continue;
    progress(`fetch and write U-Boot's script: ${partition}`, 0);
    await fetch(board, image.bootFile, SCRATCH_ADDRESS, () => undefined);
    await write(board, partition, wanted, SCRATCH_ADDRESS);
  }
}

/**
 * Writes the image into the slot that is not in use, and puts that on trial. The board is left at U-Boot's prompt.
 * @param board at U-Boot's prompt, with this machine's tftp server on its LAN port
 * @returns the slot, "a" or "b"
 * @throws UBootProblem or ConsoleProblem: the slot in use was not touched, and the board still starts it
 */
export async function flashFromUBoot(board: UBoot, image: BoardImage, progress: StepProgress): Promise<string> {
  await board.run(
    `setenv ethact eth0; setenv autoload no; setenv ipaddr ${BOARD_ADDRESS}; setenv serverip ${HOST_ADDRESS}`,
  );
  await board.run("virtio scan");
  await updateBoot(board, image, progress);
  await board.run("setenv board_mode flash; load virtio 0:1 ${scriptaddr} boot.scr && source ${scriptaddr}");
  const active = await board.variable("active");
  const slot = active === "a" ? "b" : "a";

  const address = Number.parseInt(await board.variable(FIT_VARIABLE), 16);
  progress(FETCH_IMAGE, 0);
  const bytes = await fetch(board, image.slotFile, address, (share) => {
    progress(FETCH_IMAGE, share);
  });
  progress("check the hashes in it", 0);
  await board.run(`iminfo ${hexadecimal(address)}`);
  progress(`write slot-${slot}, read it back, compare`, 0);
  await write(board, `slot-${slot}`, bytes, address);

  progress(`put slot-${slot} on trial`, 0);
  await board.run(`setenv active ${slot}; setenv trial 1; setenv tries 0; setenv rolled_back 0; run state_save`);
  await board.run("run state_load");
  const [nowActive, onTrial] = [await board.variable("active"), await board.variable("trial")];
  if (nowActive !== slot || onTrial !== "1") {
    throw new UBootProblem(`The boot state was not written: slot-${nowActive} is active.`);
  }
  return slot;
}
