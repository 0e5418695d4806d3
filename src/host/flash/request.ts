// SPDX-License-Identifier: GPL-2.0-only
// What the words after ./flash.sh ask for.

import type { Board, HandWay, Way } from "../board/board.js";
import { type CommandWords, commandWords, numberValue, optionHelp } from "../command-words.js";
import { Refusal } from "../refusal.js";

export const RULES = {
  image: { value: "FILE", does: "the image to put on the board" },
  "image-builder": {
    value: "FOLDER",
    does: "OpenWrt's ImageBuilder for the board, unpacked: the image is made with it",
  },
  package: { value: "FILE", does: "with --image-builder: the package of vpnmasq for it" },
  files: { value: "FOLDER", does: "with --image-builder: laid over the image's root file system" },
  way: {
    value: "WAY",
    does: "how: sysupgrade, u-boot or disk; without it, what the other options mean, or the usual one",
  },
  to: { value: "ADDRESS[:PORT]", does: "sysupgrade: where the board's ssh is" },
  "drop-configuration": { does: "sysupgrade: start with the image's own configuration" },
  port: {
    value: "PLACE",
    does: "u-boot: where the board's console is (as of npm run console); espruino: the microcontroller's own port",
  },
  wiring: { value: "FILE", does: "espruino: pins and times, where they are not the usual ones (docs/supervisor.md)" },
  device: { value: "DEVICE", does: "disk: which disk of this machine is written, such as /dev/sdX" },
  yes: { does: "disk: do not ask" },
  "unchecked-image": { does: "take an image that does not say for which board it is" },
  recover: { does: "print how to get back a board that does not start" },
  check: { does: "emulated boards: run the checks and end" },
  "dry-run": { does: "print what would be done, and do nothing" },
  list: { does: "print all boards" },
  json: { does: "print the result, or the plan of --dry-run, as one JSON document" },
  help: { does: "print this" },
} as const;

export type FlashWords = CommandWords<keyof typeof RULES>;

export const USAGE = `Puts vpnmasq on a board.

Usage: ./flash.sh BOARD [options]
       ./flash.sh qemu-arm64      an emulated board: nothing else is needed
       ./flash.sh espruino --port PLACE
                                  the supervisor, on its microcontroller
       ./flash.sh --list          which boards there are

${optionHelp(RULES)}

docs/boards.md tells more of each board and way.`;

/** @throws Refusal when a word is wrong */
export function flashWords(words: readonly string[]): FlashWords {
  return commandWords(words, RULES);
}

type AutomaticWay = Exclude<Way, HandWay>;

function automaticWays(board: Board): AutomaticWay[] {
  return board.ways.filter((way) => way.way !== "by-hand");
}

/** The way that an option belongs to and no other has. */
function impliedWay({ values }: FlashWords): string | undefined {
  if (values.way !== undefined) return values.way;
  if (values.device !== undefined) return "disk";
  if (values.port !== undefined) return "u-boot";
  return values.to === undefined ? undefined : "sysupgrade";
}

/**
 * The way that is asked for, or the board's usual one.
 *
 * @returns undefined where there are only ways by hand
 * @throws Refusal when the board has no such way
 */
export function chosenWay(board: Board, words: FlashWords): AutomaticWay | undefined {
  const ways = automaticWays(board);
  const wanted = impliedWay(words);
  const way = wanted === undefined ? ways[0] : ways.find((candidate) => candidate.way === wanted);
  if (way !== undefined || wanted === undefined) return way;
  const names = ways.map((candidate) => candidate.way).join(", ");
  const others = names === "" ? "has none but by hand: --recover prints it" : `has ${names}`;
  throw new Refusal(`${board.title} has no way "${wanted}"; it ${others}.\nNothing was done.`);
}

/** "192.168.1.1:2222" in its parts. */
export function sshPlace(text: string): { readonly address: string; readonly port: number } {
  const SSH_PORT = 22;
  const [, address = text, port] = /^(.+?):(\d+)$/.exec(text) ?? [];
  return { address, port: port === undefined ? SSH_PORT : numberValue("to", port, "a port") };
}
