// SPDX-License-Identifier: GPL-2.0-only
// A screen that is written over a slow line: only what differs from what stands there is sent.
//
// Its last two lines are left to others: on a serial console the kernel and the heartbeat write where the cursor is, so
// the cursor rests in a scrolling region of these two lines (DECSTBM, which every VT100 knows), and what others write
// scrolls there instead of through the table. ECMA-48 and VT100 sequences only.

import { displayWidth } from "../text/layout";

/** Lines for others: a scrolling region has at least two. */
export const FOREIGN_LINES = 2;
/** Moving the cursor costs six bytes or more: two changes nearer to one another are one. */
const MOVE_BYTES = 8;

const RESET_ATTRIBUTES = "\x1b[0m";
const CLEAR_TO_END = "\x1b[K";

function moveTo(row: number, column: number): string {
  return `\x1b[${row};${column}H`;
}

/** A line of the screen; emphasis is for the whole of it. */
export interface ScreenLine {
  readonly text: string;
  readonly style?: "heading" | "alarm" | undefined;
}

const STYLES = { heading: "\x1b[1m", alarm: "\x1b[1;31m" };

function isSame(one: ScreenLine | undefined, other: ScreenLine): boolean {
  return one !== undefined && one.text === other.text && one.style === other.style;
}

/** The last byte of the change that begins at `from`, counted from 1; equal bytes within it are fewer than a move's. */
function endOfChange(before: string, after: string, from: number): number {
  let end = from;
  let at = from + 1;
  while (at <= string.len(after) && at - end <= MOVE_BYTES) {
    if (string.byte(before, at) !== string.byte(after, at)) end = at;
    at += 1;
  }
  return end;
}

export class Screen {
  private shown: ScreenLine[] = [];

  constructor(
    private rows: number,
    private columns: number,
    /** Whether emphasis is shown. */
    private readonly isColourful: boolean,
  ) {}

  /** Lines that {@link draw} takes. */
  height(): number {
    return this.rows - FOREIGN_LINES;
  }

  width(): number {
    return this.columns;
  }

  resize(rows: number, columns: number): void {
    this.rows = rows;
    this.columns = columns;
    this.shown = [];
  }

  /** The next drawing sends everything: what stands there is not known. */
  forget(): void {
    this.shown = [];
  }

  /** What to send so that the screen shows these lines; "" when it does already. */
  draw(lines: readonly ScreenLine[]): string {
    const isFresh = this.shown.length === 0;
    const parts: string[] = [];
    for (const row of $range(0, this.height() - 1)) {
      const line = lines[row] ?? { text: "" };
      if (isFresh || !isSame(this.shown[row], line))
        parts.push(this.change(row, isFresh ? undefined : this.shown[row], line));
      this.shown[row] = line;
    }
    if (parts.length === 0) return "";
    const first = isFresh ? this.fresh() : "";
    return first + parts.join("") + this.rest();
  }

  /** What to send in the end: the whole screen scrolls again, and the cursor is below everything. */
  leave(): string {
    return `${RESET_ATTRIBUTES}\x1b[r\x1b[?25h${moveTo(this.rows, 1)}\r\n`;
  }

  private fresh(): string {
    const region = `\x1b[${this.rows - FOREIGN_LINES + 1};${this.rows}r`;
    return `${RESET_ATTRIBUTES}\x1b[r\x1b[2J\x1b[?25l${region}`;
  }

  /** The cursor waits where others may write. */
  private rest(): string {
    return moveTo(this.rows, 1);
  }

  private change(row: number, before: ScreenLine | undefined, after: ScreenLine): string {
    const isPlain = after.style === undefined || !this.isColourful;
    if (before !== undefined && isPlain && before.style === after.style && this.isAscii(before.text + after.text)) {
      return this.changePart(row, this.clip(before.text), this.clip(after.text));
    }
    const text = this.clip(after.text);
    const styled = isPlain ? text : `${STYLES[after.style]}${text}${RESET_ATTRIBUTES}`;
    return `${moveTo(row + 1, 1)}${styled}${displayWidth(text) < this.columns ? CLEAR_TO_END : ""}`;
  }

  /** Each stretch that differs, and an end that is not needed any more. Both texts are ASCII: a byte is a column. */
  private changePart(row: number, before: string, after: string): string {
    const parts: string[] = [];
    let at = 1;
    while (at <= string.len(after)) {
      if (string.byte(before, at) !== string.byte(after, at)) {
        const end = endOfChange(before, after, at);
        parts.push(moveTo(row + 1, at), string.sub(after, at, end));
        at = end;
      }
      at += 1;
    }
    if (string.len(after) < string.len(before)) parts.push(moveTo(row + 1, string.len(after) + 1), CLEAR_TO_END);
    return parts.join("");
  }

  private isAscii(text: string): boolean {
    return displayWidth(text) === string.len(text);
  }

  /** No line is longer than the screen is wide: it would go on in the next one. */
  private clip(text: string): string {
    return displayWidth(text) <= this.columns ? text : string.sub(text, 1, this.columns);
  }
}
