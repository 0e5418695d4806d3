// SPDX-License-Identifier: GPL-2.0-only
// Asks a board for its support bundle over its console, again and again for what kernel messages spoiled, until it is
// whole.

import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "../refusal.js";
import { type ConsoleLink, ConsoleProblem } from "./link.js";
import { runInShell } from "./shell.js";
import { SupportCollector } from "./support-bundle.js";

/** Rounds in a row that brought nothing: a console where messages come without a pause never lets a line through. */
const EMPTY_ROUNDS_MAX = 5;
/** Messages come in bursts, such as at the start of an interface: the next round waits for the end of one. */
const PAUSE_MS = 500;

/** Told of how many lines are there. */
export type LineProgress = (lines: number, ofLines: number) => void;

/** One round. @returns why the board could not be asked; what came all the same, the collector has */
async function ask(link: ConsoleLink, command: string, limitMs: number): Promise<string | undefined> {
  try {
    const { output, status } = await runInShell(link, command, limitMs);
    return status === 0 ? undefined : `${command} ended with status ${String(status)}:\n${output.trim()}`;
  } catch (problem) {
    // A message within the shell's own marks hides the command's end: the lines before it came.
    if (problem instanceof ConsoleProblem && !problem.isLost) return problem.message;
    throw problem;
  }
}

/**
 * Collects the bundle of a board whose shell is awake.
 *
 * @param limitMs of one round
 * @returns the collector with the whole bundle, and in how many rounds it came
 * @throws Refusal when it does not become whole: it says what is missing and why; ConsoleProblem when the link is lost
 */
export async function collectSupport(
  link: ConsoleLink,
  limitMs: number,
  show: LineProgress,
): Promise<{ collector: SupportCollector; rounds: number }> {
  const collector = new SupportCollector();
  const end = link.onText((text) => {
    collector.takeText(text);
    const progress = collector.progress();
    if (progress !== undefined) show(progress.lines, progress.ofLines);
  });
  try {
    let emptyRounds = 0;
    let before = 0;
    for (let rounds = 0; ; rounds += 1) {
      const command = collector.nextCommand();
      if (command === undefined) return { collector, rounds };
      if (rounds > 0) await sleep(PAUSE_MS);
      const problem = await ask(link, command, limitMs);
      const lines = collector.progress()?.lines ?? 0;
      emptyRounds = lines > before ? 0 : emptyRounds + 1;
      before = lines;
      const isRefused = problem !== undefined && lines === 0 && collector.damaged === 0;
      if (isRefused || emptyRounds === EMPTY_ROUNDS_MAX) throw new Refusal(failure(collector, problem));
    }
  } finally {
    end();
  }
}

function failure(collector: SupportCollector, problem: string | undefined): string {
  const { lines, ofLines } = collector.progress() ?? { lines: 0, ofLines: 0 };
  const came = ofLines === 0 ? "No support bundle came." : `Of ${String(ofLines)} lines ${String(lines)} came whole.`;
  const spoiled = `Other messages on the console spoiled the rest, ${String(EMPTY_ROUNDS_MAX)} times in a row.`;
  const why = collector.damaged === 0 && problem !== undefined ? `The board: ${problem}` : spoiled;
  return `${came} ${why}\nNothing was saved. By ssh it comes as text: ssh root@ADDRESS vpnmasq support`;
}
