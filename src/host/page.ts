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

/** Wraps the lines that are too wide, each with its own indentation; what has no spaces, such as a path, stays whole. */
export function wrapLines(text: string): string {
  const lines = text.split("\n").map((line) => {
    const indent = /^ */.exec(line)?.[0] ?? "";
    return line.length > WIDTH ? wrap(line.slice(indent.length), indent) : line;
  });
  return lines.join("\n");
}

export function heading(text: string): string {
  return `\n${text}\n${"─".repeat(text.length)}`;
}
