// SPDX-License-Identifier: GPL-2.0-only
// What a person types at a terminal, out of its bytes: letters, and the sequences of cursor keys (ECMA-48, VT220).

export type Key =
  "quit" | "up" | "down" | "page-up" | "page-down" | "first" | "last" | "redraw" | "esp" | "ike" | "flows";

const LETTERS: Readonly<Record<string, Key>> = {
  q: "quit",
  "\x03": "quit", // Ctrl-C: a raw terminal makes no signal of it
  k: "up",
  j: "down",
  b: "page-up",
  " ": "page-down",
  g: "first",
  G: "last",
  "\x0c": "redraw", // Ctrl-L
  e: "esp",
  i: "ike",
  f: "flows",
};

/** What follows ESC [ or ESC O. */
const SEQUENCES: Readonly<Record<string, Key>> = {
  A: "up",
  B: "down",
  "5~": "page-up",
  "6~": "page-down",
  H: "first",
  "1~": "first",
  F: "last",
  "4~": "last",
};

/** A sequence that does not end is none: the longest above has four bytes. */
const SEQUENCE_BYTES_MAX = 8;

export class KeyReader {
  /** The beginning of a sequence whose end has not come. */
  private open = "";

  /** The keys in what was read; bytes that mean nothing here are left out. */
  take(bytes: string): Key[] {
    let text = this.open + bytes;
    this.open = "";
    const keys: Key[] = [];
    while (text !== "") {
      if (this.isOpen(text)) {
        this.open = text;
        return keys;
      }
      const [sequence] = string.match(text, "^\x1b[%[O]([%d;]*[%a~])");
      const key = sequence === undefined ? LETTERS[string.sub(text, 1, 1)] : SEQUENCES[sequence];
      if (key !== undefined) keys.push(key);
      text = string.sub(text, sequence === undefined ? 2 : string.len(sequence) + 3);
    }
    return keys;
  }

  /** Whether the text is the beginning of a sequence, and of nothing else. */
  private isOpen(text: string): boolean {
    if (string.len(text) > SEQUENCE_BYTES_MAX) return false;
    return text === "\x1b" || string.match(text, "^\x1b[%[O][%d;]*$")[0] !== undefined;
  }
}
