// SPDX-License-Identifier: GPL-2.0-only
// A board's support bundle in a file of this machine, collected over its console.

import fs from "node:fs";
import path from "node:path";
import { LINES, type Progress, startProgress } from "../progress.js";
import { Refusal } from "../refusal.js";
import type { ConsoleLink } from "./link.js";
import { collectSupport } from "./support-request.js";

/** It holds the board's configuration and addresses. */
const FILE_MODE = 0o600;

export interface SavedSupport {
  /** Of the file. */
  readonly bytes: number;
  /** That the bundle had on the console. */
  readonly lines: number;
  /** That came in pieces, and were asked for again. */
  readonly spoiledLines: number;
  readonly rounds: number;
  readonly seconds: number;
}

/** To be asked before seconds of collecting. @throws Refusal when the file could not be written in the end */
export function requireWritable(file: string): void {
  try {
    const status = fs.statSync(file, { throwIfNoEntry: false });
    if (status?.isDirectory() === true) throw new Error("it is a folder");
    fs.accessSync(status === undefined ? path.dirname(file) : file, fs.constants.W_OK);
  } catch (problem) {
    throw new Refusal(`The bundle cannot be saved as ${file}: ${(problem as Error).message}\nNothing was sent.`);
  }
}

/**
 * Collects the bundle of a board whose shell is awake, and saves it.
 *
 * @param limitMs of one round of asking
 * @throws Refusal when it does not become whole; ConsoleProblem when the console is lost. Nothing is saved then.
 */
export async function collectToFile(link: ConsoleLink, limitMs: number, file: string): Promise<SavedSupport> {
  const beginMs = performance.now();
  let bar: Progress | undefined;
  try {
    const { collector, rounds } = await collectSupport(link, limitMs, (lines, ofLines) => {
      bar ??= startProgress(ofLines, LINES);
      bar.show(lines);
    });
    const text = collector.text();
    fs.writeFileSync(file, text, { mode: FILE_MODE });
    return {
      bytes: Buffer.byteLength(text),
      lines: collector.progress()?.ofLines ?? 0,
      spoiledLines: collector.damaged,
      rounds,
      seconds: (performance.now() - beginMs) / 1000,
    };
  } finally {
    bar?.end();
  }
}
