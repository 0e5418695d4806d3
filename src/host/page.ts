// SPDX-License-Identifier: GPL-2.0-only
// Text for a terminal of 80 columns.

const WIDTH = 80;

/** Breaks text at spaces so that no line is wider than the page. */
export function wrap(text: string, indent = ""): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    const isFirst = line === indent;
    if (!isFirst && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else {
      line += isFirst ? word : ` ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

export function heading(text: string): string {
  return `\n${text}\n${"─".repeat(text.length)}`;
}
