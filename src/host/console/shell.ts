// SPDX-License-Identifier: GPL-2.0-only
// A command on the board's shell, over its console: what it printed, and the status it ended with.
//
// The console echoes what is typed and mixes in the kernel's messages. So the command is put between two marks of
// which only the output has the whole text: what is typed has them in two pieces.

import { randomBytes } from "node:crypto";
import type { ConsoleLink } from "./link.js";
import { Refusal } from "../refusal.js";

export interface ShellAnswer {
  readonly output: string;
  readonly status: number;
}

/** A terminal takes 4096 bytes a line (N_TTY, termios(3)), busybox's line editor 1024. The marks need some 100. */
export const COMMAND_CHARACTERS_MAX = 900;
/** For the shell to show that it is there: a getty that is started anew for it takes a second or two. */
const WAKE_LIMIT_MS = 10_000;
const WAKE_ATTEMPTS = 3;

/** A shell's prompt: "root@OpenWrt:/tmp# ", "/ # ", "~ $ ". */
const PROMPT = /(^|\n)[^\n]{0,120}[#$] $/;
/** OpenWrt's console waits for a key before it starts a shell. */
const PRESS_ENTER = /Please press Enter to activate this console/;
const LOGIN = /(^|\n)[^\n]*login: $/;
const PASSWORD = /[Pp]assword: ?$/;
/** U-Boot's prompts: "=> ", "MT7628 # ", "ath> "; twice on a line when a key came before the first. */
const LOADER = /(^|\n)((=> )+|([\w-]+> )+|([A-Z0-9]+ # )+)$/;

const NO_SHELL =
  "A command needs the board's shell. For the boot loader, send lines: --send TEXT --expect REGEX. Nothing was run.";

/**
 * Brings the console to a shell's prompt: wakes it, logs in as root without a password.
 *
 * @param limitMs how long each of its answers may take
 * @throws Refusal when there is a boot loader, or a password is asked for; ConsoleProblem when nothing answers
 */
export async function wakeShell(link: ConsoleLink, limitMs = WAKE_LIMIT_MS): Promise<void> {
  link.discard();
  let line = "";
  for (let attempt = 1; attempt <= WAKE_ATTEMPTS; attempt += 1) {
    link.sendLine(line);
    const patterns = [PRESS_ENTER, LOGIN, PASSWORD, LOADER, PROMPT];
    const { index } = await link.expect(patterns, limitMs, "a prompt of the board's shell");
    if (index === 2) throw new Refusal("The console asks for a password. Log in by hand first: npm run console.");
    if (index === 3) throw new Refusal(`The console is at the boot loader's prompt. ${NO_SHELL}`);
    if (index === 4) return;
    line = index === 1 ? "root" : "";
  }
  throw new Refusal(`The board's console gave no shell after ${String(WAKE_ATTEMPTS)} attempts. Nothing was run.`);
}

/**
 * Runs a command on the shell that the console is at.
 *
 * @param limitMs how long it may take
 * @throws Refusal for a command that does not fit the console; ConsoleProblem when it does not end in time
 */
export async function runInShell(link: ConsoleLink, command: string, limitMs: number): Promise<ShellAnswer> {
  if (command.length > COMMAND_CHARACTERS_MAX || /[\r\n]/.test(command)) {
    throw new Refusal(
      `A command over the console is one line of at most ${String(COMMAND_CHARACTERS_MAX)} characters; ` +
        `this one has ${String(command.length)}. Put it into a script on the board. Nothing was run.`,
    );
  }
  const mark = randomBytes(4).toString("hex");
  const begin = new RegExp(`begin-${mark}\\n`);
  const end = new RegExp(`end-${mark} (\\d+)\\n`);
  link.discard();
  link.sendLine(`echo "be""gin-${mark}"; ( ${command} ); echo "en""d-${mark} $?"`);
  await link.expect(begin, limitMs, "the command's beginning");
  const { before, match } = await link.expect(end, limitMs, `the end of "${command}"`);
  return { output: before, status: Number(match[1]) };
}
