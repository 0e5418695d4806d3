// SPDX-License-Identifier: GPL-2.0-only
// The lists of what is in the image: a name a line, then words about it, up to a reason for people.

import fs from "node:fs";

/** The words of each line that is not a comment: the name, and what stands behind it. */
export function readWordList(file: string): string[][] {
  return fs
    .readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(/\s+/));
}
