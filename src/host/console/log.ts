// SPDX-License-Identifier: GPL-2.0-only
// A console's text in a file: each line with the time at which it began.

import fs from "node:fs";
import path from "node:path";
import { Refusal } from "../refusal.js";

/** Kept in memory until a line ends; a longer one is written in pieces. */
const LINE_CHARACTERS_MAX = 4096;

/** Puts the time before each line as its first character comes. */
export class TimedLines {
  private readonly write: (line: string) => void;
  private readonly now: () => Date;
  private line = "";
  private begun = "";

  constructor(write: (line: string) => void, now: () => Date) {
    this.write = write;
    this.now = now;
  }

  take(text: string): void {
    for (const piece of text.split(/(?<=\n)/)) {
      if (this.line === "") this.begun = this.now().toISOString();
      this.line += piece;
      if (piece.endsWith("\n") || this.line.length > LINE_CHARACTERS_MAX) this.flush();
    }
  }

  /** Writes the line that has no end yet. */
  flush(): void {
    if (this.line !== "") this.write(`${this.begun} ${this.line.replace(/\n?$/, "\n")}`);
    this.line = "";
  }
}

/**
 * A log file that lines are added to.
 *
 * @throws Refusal when it cannot be written
 */
export function openLog(file: string): { take: (text: string) => void; close: () => void } {
  let descriptor = 0;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    descriptor = fs.openSync(file, "a");
  } catch (problem) {
    throw new Refusal(`The log ${file} cannot be written: ${(problem as Error).message}\nNothing was sent.`);
  }
  const lines = new TimedLines(
    (line) => fs.writeSync(descriptor, line),
    () => new Date(),
  );
  return {
    take: (text) => {
      lines.take(text);
    },
    close: () => {
      lines.flush();
      fs.closeSync(descriptor);
    },
  };
}
