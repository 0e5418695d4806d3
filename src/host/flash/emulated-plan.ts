// SPDX-License-Identifier: GPL-2.0-only
// What `./flash.sh qemu-arm64 --dry-run` prints: what would be done to the emulated board, and on this machine.
//
// The commands for U-Boot depend on what the board answers (which slot is in use), so they are not listed one by one:
// slot.ts has them.

import { boardFolder } from "../emulator/shared-console.js";
import { wrap } from "../page.js";

interface EmulatedStep {
  readonly does: string;
  readonly where: "here" | "boot loader" | "board's shell" | "you";
  readonly worked: string;
  /** Whether it changes what is on the board. */
  readonly writes: boolean;
}

const SLOT = "the slot that is not in use";

const STEPS: readonly EmulatedStep[] = [
  {
    does: "Builds the image of Debian's packages and of vpnmasq, where the cache does not have it",
    where: "here",
    worked: "mkimage made the FIT image and U-Boot's script",
    writes: false,
  },
  {
    does: "Makes the board's boot flash and its eMMC, empty, where they are not there yet, and switches the board on",
    where: "here",
    worked: "QEMU opens the board's console",
    writes: false,
  },
  {
    does: "Stops U-Boot before it starts the system",
    where: "boot loader",
    worked: "its prompt is there",
    writes: false,
  },
  {
    does: "Brings U-Boot's script up to date, in one boot partition after the other",
    where: "boot loader",
    worked: "what is read back has the same CRC-32",
    writes: true,
  },
  {
    does: "Fetches the image by tftp into the board's memory",
    where: "boot loader",
    worked: "its CRC-32 and all hashes in it are right",
    writes: false,
  },
  {
    does: `Writes it into ${SLOT}`,
    where: "boot loader",
    worked: "what is read back has the same CRC-32",
    writes: true,
  },
  {
    does: "Puts that slot on trial, and restarts",
    where: "boot loader",
    worked: "the boot state, read back, says so",
    writes: true,
  },
  {
    does: "Waits until the slot has confirmed itself",
    where: "board's shell",
    worked: "its router forwards; else U-Boot goes back to the other slot after three starts",
    writes: false,
  },
  {
    does: "Joins this terminal to the board's console, and switches the board off afterwards",
    where: "you",
    worked: "Ctrl-] leaves",
    writes: false,
  },
];

const WAY = "its U-Boot over its serial console and tftp";
const LOSES = "The configuration is kept, and so is the slot in use until the other has confirmed itself.";

/** For a program. */
export function emulatedPlanDocument(title: string): unknown {
  return { board: title, way: WAY, folder: boardFolder(), loses: LOSES, steps: STEPS };
}

/** For a person, in 80 columns. */
export function emulatedPlanText(title: string): string {
  const steps = STEPS.map(({ does, where, worked, writes }, index) => {
    const number = `${String(index + 1).padStart(2)}. `;
    const head = wrap(`${does}.${writes ? "  [writes]" : ""}`, "    ").replace(/^ {4}/, number);
    return [head, wrap(`${where}; worked: ${worked}`, "    ")].join("\n");
  });
  return [wrap(`${title}, ${WAY}.`), wrap(LOSES), `It lies in ${boardFolder()}`, ...steps].join("\n");
}
