// SPDX-License-Identifier: GPL-2.0-only
// What `npm run console` does: a board's serial console, for a person and for scripts.

import { ConsoleLink, ConsoleProblem } from "./link.js";
import { openLog } from "./log.js";
import { openPlace, type Place } from "./port.js";
import { type ConsoleRequest, consoleRequest, type SendTask, USAGE } from "./request.js";
import { runInShell, wakeShell } from "./shell.js";
import { collectToFile, requireWritable } from "./support-file.js";
import { joinTerminal } from "./terminal.js";
import { wrapLines } from "../page.js";
import { Refusal } from "../refusal.js";

/** Where a command's text goes: standard output and standard error, or a test. */
export interface Pages {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** As of env, timeout and docker: not the command failed, but what was to run it. */
const STATUS_OF_TOOL = 125;

function placeText(place: Place): string {
  return place.kind === "tcp" ? `${place.host}:${String(place.port)}` : place.path;
}

async function runCommand(
  link: ConsoleLink,
  { board, ...request }: ConsoleRequest,
  command: string,
  pages: Pages,
): Promise<number> {
  await wakeShell(link);
  const { output, status } = await runInShell(link, command, request.limitMs);
  const document = { board: board.name, command, status, output };
  pages.out(request.isJson ? `${JSON.stringify(document, undefined, 2)}\n` : output);
  return status;
}

async function sendText(
  link: ConsoleLink,
  { board, ...request }: ConsoleRequest,
  { text, expect }: SendTask,
  pages: Pages,
): Promise<number> {
  link.sendLine(text);
  if (expect === undefined) return 0;
  const { before, match } = await link.expect(expect, request.limitMs, `text that fits ${String(expect)}`);
  const document = { board: board.name, sent: text, before, match: match[0], groups: match.slice(1) };
  pages.out(request.isJson ? `${JSON.stringify(document, undefined, 2)}\n` : `${before}${match[0]}\n`);
  return 0;
}

async function saveSupport(link: ConsoleLink, request: ConsoleRequest, file: string, pages: Pages): Promise<number> {
  await wakeShell(link);
  const saved = await collectToFile(link, request.limitMs, file);
  const document = { board: request.board.name, file, ...saved };
  const { lines, spoiledLines, seconds } = saved;
  const again = spoiledLines === 0 ? "" : `; ${String(spoiledLines)} that other messages spoiled were asked for again`;
  const sentence = `${file} is saved: ${String(lines)} lines over the console in ${seconds.toFixed(1)} s${again}.`;
  pages.out(request.isJson ? `${JSON.stringify(document, undefined, 2)}\n` : `${wrapLines(sentence)}\n`);
  return 0;
}

/** @returns the exit status */
async function useConsole(request: ConsoleRequest, pages: Pages): Promise<number> {
  const { task, place, baud, board } = request;
  if (task.kind === "support") requireWritable(task.file);
  const log = request.log === undefined ? undefined : openLog(request.log);
  const stream = await openPlace(place, baud);
  const link = new ConsoleLink(stream);
  if (log !== undefined) link.onText(log.take);
  try {
    if (task.kind === "run") return await runCommand(link, request, task.command, pages);
    if (task.kind === "support") return await saveSupport(link, request, task.file, pages);
    if (task.kind === "send") return await sendText(link, request, task, pages);
    const speed = place.kind === "device" ? `, ${String(baud)} baud` : "";
    pages.err(`Console of ${board.title} at ${placeText(place)}${speed}. Leave with Ctrl-].\n`);
    pages.err(`\nConsole: ${await joinTerminal(stream, process.stdin, process.stdout)}.\n`);
    return 0;
  } finally {
    link.close();
    log?.close();
  }
}

/** @returns the exit status */
export async function consoleCommand(words: readonly string[], pages: Pages): Promise<number> {
  try {
    const request = consoleRequest(words);
    if (request !== undefined) return await useConsole(request, pages);
    pages.out(`${USAGE}\n`);
    return 0;
  } catch (problem) {
    if (!(problem instanceof Refusal || problem instanceof ConsoleProblem)) throw problem;
    pages.err(`${wrapLines(problem.message)}\n`);
    return STATUS_OF_TOOL;
  }
}
