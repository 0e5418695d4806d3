// SPDX-License-Identifier: GPL-2.0-only
// `./flash.sh qemu-arm64`: builds the image, switches the emulated board on, puts the image on it through its U-Boot, waits
// until the new slot has confirmed itself, and leaves the user at the board's console.

import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConsoleProblem, type ConsoleLink } from "../console/link.js";
import { runInShell, wakeShell } from "../console/shell.js";
import { joinTerminal } from "../console/terminal.js";
import { boardStorage, type BoardStorage } from "../emulator/disk.js";
import { EmulatedBoard } from "../emulator/emulated-board.js";
import type { UserLink } from "../emulator/links.js";
import { boardFolder, shareConsole } from "../emulator/shared-console.js";
import { boardImage, type BoardImage } from "../image/board-image.js";
import { takeLock } from "../lock.js";
import { Refusal } from "../refusal.js";
import { MEGABYTES, type Progress, startProgress } from "../progress.js";
import { beginRun } from "../run-traces.js";
import { FETCH_IMAGE, FLASH_NETWORK, flashFromUBoot, type StepProgress } from "./slot.js";
import { flashProblemText, UBoot } from "./u-boot.js";

/** From reset to the shell: 10 s on an idle machine. */
const START_LIMIT_MS = 150_000;
/** Before its prompt the login tells the board's health, while the router is starting: seconds, on a busy machine many. */
const LOGIN_LIMIT_MS = 60_000;
/** busybox init's words. */
const CONSOLE_IS_READY = /Please press Enter to activate this console/;
/** The router has to be found working first: some seconds after the shell. */
const CONFIRM_LIMIT_MS = 120_000;
const CONFIRM_LOOK_MS = 1000;
const COMMAND_LIMIT_MS = 30_000;

/** The LAN port while U-Boot fetches the image: QEMU's own tftp server. */
export function flashLink(image: BoardImage): UserLink {
  return { kind: "user", network: FLASH_NETWORK, tftpFolder: path.dirname(image.slotFile) };
}

/** Waits for the shell of a board that is starting. @throws ConsoleProblem */
export async function waitForShell(link: ConsoleLink): Promise<void> {
  await link.expect(CONSOLE_IS_READY, START_LIMIT_MS, "the board's console");
  await wakeShell(link, LOGIN_LIMIT_MS);
}

/** Waits until the running slot has confirmed itself. @throws ConsoleProblem when it does not, with the boot state */
export async function waitForConfirmation(link: ConsoleLink, slot: string): Promise<void> {
  const endMs = performance.now() + CONFIRM_LIMIT_MS;
  for (;;) {
    const { output } = await runInShell(link, "board-slot", COMMAND_LIMIT_MS);
    if (!output.includes(`running=${slot}`)) {
      throw new ConsoleProblem(`The board did not start slot-${slot}:\n${output}`, false);
    }
    if (output.includes(`active=${slot}`) && output.includes("trial=0")) return;
    if (performance.now() > endMs) {
      throw new ConsoleProblem(
        `slot-${slot} runs, but its router does not, so it does not confirm itself: after three such starts U-Boot ` +
          `goes back to the other slot.\n${output}`,
        false,
      );
    }
    await sleep(CONFIRM_LOOK_MS);
  }
}

/**
 * Flashes a board that was just switched on, and waits until it runs what was flashed.
 * @returns the slot that it runs
 */
export async function flashBoard(board: EmulatedBoard, image: BoardImage, progress: StepProgress): Promise<string> {
  progress("stop U-Boot", 0);
  const uBoot = await UBoot.stop(board.console);
  const slot = await flashFromUBoot(uBoot, image, progress);
  progress(`start slot-${slot}`, 0);
  uBoot.restart();
  await waitForShell(board.console);
  progress(`slot-${slot} confirms itself`, 0);
  await waitForConfirmation(board.console, slot);
  return slot;
}

/** What `./flash.sh qemu-arm64` may be told. */
export interface EmulatedOptions {
  /** Says what is done, a line each. */
  readonly say: (text: string) => void;
}

/** Shows steps as lines, and the long one, the transfer, as a bar. */
function stepDisplay(image: BoardImage, say: (text: string) => void): { show: StepProgress; end: () => void } {
  const bytes = fs.statSync(image.slotFile).size;
  let current = "";
  let bar: Progress | undefined;
  const end = (): void => {
    bar?.end();
    bar = undefined;
  };
  const show: StepProgress = (step, share) => {
    if (step !== current) {
      end();
      say(`  ${step}`);
      if (step === FETCH_IMAGE) bar = startProgress(bytes, MEGABYTES);
    }
    current = step;
    bar?.show(share * bytes);
    if (share === 1) end();
  };
  return { show, end };
}

async function flashAndJoin(storage: BoardStorage, image: BoardImage, options: EmulatedOptions): Promise<void> {
  const { say } = options;
  const display = stepDisplay(image, say);
  const board = await EmulatedBoard.powerOn(storage, { lan: flashLink(image), wan: { kind: "user" } });
  let endSharing: (() => void) | undefined;
  try {
    await flashBoard(board, image, display.show);
    if (!process.stdin.isTTY) return; // a script: there is nobody to leave at a console
    say("The board's console; leave with Ctrl-], which switches the board off.");
    say("Try: vpnmasq status. In another terminal: npm run console -- qemu-arm64\n");
    endSharing = await shareConsole(board.console.stream).catch((problem: unknown) => {
      say(`Not this time: ${(problem as Error).message}\n`);
      return undefined;
    });
    board.console.sendLine("");
    say(`\n${await joinTerminal(board.console.stream, process.stdin, process.stdout)}`);
  } catch (problem) {
    const text = flashProblemText(problem);
    if (text === undefined) throw problem;
    throw new Refusal(`${text}\nThe slot that the board ran before was not touched. Run the same command again.`);
  } finally {
    display.end();
    endSharing?.();
    await board.cutPower();
  }
}

/**
 * Flashes the user's emulated board, which keeps what is on it between two runs.
 * @throws Refusal with what went wrong and what was kept
 */
export async function flashEmulated(options: EmulatedOptions): Promise<void> {
  beginRun();
  const image = await boardImage(options.say);
  const folder = boardFolder();
  fs.mkdirSync(folder, { recursive: true });
  const unlock = await takeLock(path.join(folder, "lock"), options.say);
  try {
    await flashAndJoin(await boardStorage(folder), image, options);
  } finally {
    unlock();
  }
}
