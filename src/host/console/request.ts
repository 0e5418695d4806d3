// SPDX-License-Identifier: GPL-2.0-only
// What the words after `npm run console --` ask for.

import type { Board } from "../board/board.js";
import { readBoard } from "../board/catalogue.js";
import { commandWords, numberValue, optionHelp } from "../command-words.js";
import { EMULATED_BOARD } from "../emulator/disk.js";
import { runningConsole } from "../emulator/shared-console.js";
import { Refusal } from "../refusal.js";
import { type Place, placeOf, serialDevices } from "./port.js";

export interface SendTask {
  readonly kind: "send";
  readonly text: string;
  readonly expect: RegExp | undefined;
}

export type Task =
  | { readonly kind: "terminal" }
  | { readonly kind: "run"; readonly command: string }
  | { readonly kind: "support"; readonly file: string }
  | SendTask;

export interface ConsoleRequest {
  readonly board: Board;
  readonly place: Place;
  readonly baud: number;
  readonly task: Task;
  readonly limitMs: number;
  readonly log: string | undefined;
  readonly isJson: boolean;
}

/** Long enough for a command that looks something up; `--timeout` for others. */
const LIMIT_SECONDS = "30";

const RULES = {
  port: { value: "PLACE", does: "where the console is: a serial device, a pty, a unix socket, or tcp:HOST:PORT" },
  baud: { value: "NUMBER", does: "bits a second of a serial device; without it, what the board's document says" },
  run: { value: "COMMAND", does: "run a command on the board's shell, print its output, end with its status" },
  send: { value: "TEXT", does: "send a line as it is, to the shell or the boot loader" },
  expect: { value: "REGEX", does: "after --send: wait until this has come, and print what came up to there" },
  support: {
    value: "FILE",
    does: "collect vpnmasq's support bundle and save it; what kernel messages spoil is asked for again",
  },
  timeout: {
    value: "SECONDS",
    does: `how long --run, --expect and each round of --support wait; ${LIMIT_SECONDS} without it`,
  },
  log: { value: "FILE", does: "add all that comes to a file, each line with its time" },
  json: { does: "print the result as one JSON document" },
  help: { does: "print this" },
} as const;

export const USAGE = `The serial console of a board.

Usage: npm run console -- BOARD [options]              type at it; Ctrl-] leaves
       npm run --silent console -- BOARD --run COMMAND  for scripts
       npm run console -- BOARD --support FILE          to send to who helps

${optionHelp(RULES)}

The exit status is the command's with --run. It is 125 when the console cannot
be used, and when what was waited for did not come.`;

/** The one serial adapter of this machine. @throws Refusal when there is none or several */
function onlyDevice(): string {
  const devices = serialDevices();
  const [device] = devices;
  if (device !== undefined && devices.length === 1) return device;
  const seen =
    device === undefined ? "This machine has no serial adapter" : `This machine has several: ${devices.join(", ")}`;
  throw new Refusal(`Which console? ${seen}.\nName it: --port /dev/ttyUSB0. Nothing was sent.`);
}

/** Where the console is when nobody says. @throws Refusal when that is not clear */
function usualPlace({ name, emulation }: Board): string {
  if (emulation === undefined) return onlyDevice();
  if (name === EMULATED_BOARD) return runningConsole();
  throw new Refusal(`Where is the console of ${name}? Its emulator says: --port SOCKET. Nothing was sent.`);
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (problem) {
    throw new Refusal(`--expect ${text}: ${(problem as Error).message}. Nothing was sent.`);
  }
}

function taskOf(values: Readonly<Partial<Record<keyof typeof RULES, string>>>): Task {
  const { run, send, expect, support } = values;
  const tasks = [run, support, send ?? expect].filter((value) => value !== undefined);
  if (tasks.length > 1) {
    throw new Refusal("--run and --support go alone; --send and --expect go together. Nothing was sent.");
  }
  if (support !== undefined) return { kind: "support", file: support };
  if (run !== undefined) return { kind: "run", command: run };
  if (send !== undefined)
    return { kind: "send", text: send, expect: expect === undefined ? undefined : pattern(expect) };
  if (expect !== undefined) throw new Refusal('--expect needs --send TEXT (TEXT may be ""). Nothing was sent.');
  return { kind: "terminal" };
}

/** @returns undefined when help is asked for. @throws Refusal when the words are wrong */
export function consoleRequest(words: readonly string[]): ConsoleRequest | undefined {
  const { names, values, flags } = commandWords(words, RULES);
  if (flags.has("help")) return undefined;
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) {
    throw new Refusal(`One board is to be named, here are ${String(names.length)}.\nnpm run console -- --help`);
  }
  const board = readBoard(name);
  return {
    board,
    task: taskOf(values),
    baud: values.baud === undefined ? board.console.baud : numberValue("baud", values.baud, "bits a second"),
    limitMs: 1000 * numberValue("timeout", values.timeout ?? LIMIT_SECONDS, "seconds"),
    place: placeOf(values.port ?? usualPlace(board)),
    log: values.log,
    isJson: flags.has("json"),
  };
}
