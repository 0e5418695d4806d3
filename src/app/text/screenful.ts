// SPDX-License-Identifier: GPL-2.0-only
// As much of a text as a screen shows: a serial console has no way to scroll back.

/** The line behind the text, where the shell's prompt stands. */
const PROMPT_LINES = 1;

/** All of the text where it fits a screen of so many rows; else its beginning, and how to have the rest. */
export function screenful(text: string, rows: number): string[] {
  const lines = text.split("\n");
  if (lines.length <= rows - PROMPT_LINES) return lines;
  const shown = rows - PROMPT_LINES - 1;
  return [...lines.slice(0, shown), `(${lines.length - shown} more lines: --all shows them)`];
}
