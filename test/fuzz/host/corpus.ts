// SPDX-License-Identifier: GPL-2.0-only
// The corpus in the repository: a file for each target, an input a line.

import fs from "node:fs";

/** The repository holds what is worth a look by a person: enough to get everywhere at once, not all that was ever found. */
const LINES_MAX = 200;
const LINE_CHARACTERS_MAX = 600;

/** Adds inputs that got somewhere new, while there is room. */
export function grow(file: string, found: readonly string[]): void {
  const before = fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  const short = found.filter((line) => line.length <= LINE_CHARACTERS_MAX && line !== "");
  const lines = [...new Set([...before, ...short])].slice(0, LINES_MAX);
  fs.writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
}
