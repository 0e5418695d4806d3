// SPDX-License-Identifier: GPL-2.0-only
// Text on a terminal of 80 columns: columns that line up, and sentences that break between words.

export const SCREEN_COLUMNS = 80;
const GAP = "  ";

// Written by number: TypeScript's \x80 is a character, which takes two bytes in Lua.
const CONTINUATION_BYTES = `[${string.char(0x80)}-${string.char(0xbf)}]`;

/** Columns that a text takes: bytes that go on a character of UTF-8 take none. */
export function displayWidth(text: string): number {
  const [, continuations] = string.gsub(text, CONTINUATION_BYTES, "");
  return string.len(text) - continuations;
}

/** Stands for a space between a number and its unit while a text is broken into lines. */
const GLUE = "\x01";

/** A text broken between words, but not behind a number; a word longer than the width stands alone. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const [glued] of string.gmatch(string.gsub(text, "(%d) (%a)", `%1${GLUE}%2`)[0], "%S+")) {
    const [word] = string.gsub(glued, GLUE, " ");
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines;
}

/** A text with its later lines under the first one's `indent`; `first` stands before it. */
export function hang(first: string, text: string, indent: number): string[] {
  const lines = wrapText(text, SCREEN_COLUMNS - indent);
  const [opening, ...others] = lines;
  return [pad(first, indent, "left") + opening, ...others.map((line) => string.rep(" ", indent) + line)];
}

export type Alignment = "left" | "right";

export function pad(text: string, width: number, alignment: Alignment): string {
  const spaces = string.rep(" ", Math.max(0, width - displayWidth(text)));
  return alignment === "left" ? text + spaces : spaces + text;
}

/** Rows of cells as lines: each column as wide as its widest cell, the last one broken to fit the screen. */
export function layoutRows(
  alignments: readonly Alignment[],
  rows: readonly (readonly string[])[],
  indent = 0,
): string[] {
  const last = alignments.length - 1;
  const widths = alignments.map((_, column) => Math.max(0, ...rows.map((row) => displayWidth(row[column]))));
  const lines: string[] = [];
  for (const row of rows) {
    const cells = row.slice(0, last).map((cell, column) => pad(cell, widths[column], alignments[column]));
    const left = string.rep(" ", indent) + cells.map((cell) => cell + GAP).join("");
    for (const line of hang(left, row[last], displayWidth(left))) {
      const [trimmed] = string.gsub(line, "%s+$", "");
      lines.push(trimmed);
    }
  }
  return lines;
}
