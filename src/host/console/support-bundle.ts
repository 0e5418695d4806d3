// SPDX-License-Identifier: GPL-2.0-only
// Collects what `vpnmasq support --wire` prints on a board's console, among whatever else comes there, and says which
// lines are still missing. src/app/wire-text.ts has the form of the lines.

import zlib from "node:zlib";
import { unsealed } from "../../heartbeat/checked-line.js";

const MARK = "VM1S ";
/** The board's shell reads a line of 255 characters in any case (POSIX _POSIX_MAX_CANON). */
const REQUEST_CHARACTERS_MAX = 240;

interface Header {
  readonly lines: number;
  readonly bytes: number;
  readonly checksum: number;
  readonly packing: string;
}

function readHeader(words: readonly string[]): Header | undefined {
  const [lines, bytes, checksum, packing] = words;
  if (packing !== "gzip" && packing !== "plain") return undefined;
  return { lines: Number(lines), bytes: Number(bytes), checksum: parseInt(checksum ?? "", 16), packing };
}

/** "3,7-9" of 3, 7, 8, 9. */
function ranges(numbers: readonly number[]): string[] {
  const found: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const open = found.at(-1);
    if (open?.last === number - 1) open.last = number;
    else found.push({ first: number, last: number });
  }
  return found.map(({ first, last }) => (first === last ? String(first) : `${String(first)}-${String(last)}`));
}

export class SupportCollector {
  /** Lines of the bundle that came, but not whole. */
  damaged = 0;
  private header: Header | undefined;
  private readonly parts = new Map<number, Buffer>();
  private hasEnded = false;
  private rest = "";

  /** What came on the console, in pieces of any size. */
  takeText(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.takeLine(line);
  }

  /** A line of the console, the bundle's or not. */
  takeLine(line: string): void {
    const { text, fault } = unsealed(line, MARK);
    if (text === undefined) {
      if (fault !== "no-mark") this.damaged += 1;
      return;
    }
    const [kind = "", ...words] = text.slice(MARK.length).split(" ");
    if (kind === "begin") this.begin(words);
    else if (kind === "end") this.hasEnded = true;
    else this.parts.set(Number(kind), Buffer.from(words[0] ?? "", "base64"));
  }

  /** A bundle begins: lines of one before it, whose beginning was spoiled, are not this one's. */
  private begin(words: readonly string[]): void {
    this.parts.clear();
    this.header = readHeader(words);
  }

  /** Whether the board has said all that it was asked for. */
  isOver(): boolean {
    return this.hasEnded;
  }

  /** Of all lines; undefined before the first one came. */
  progress(): { readonly lines: number; readonly ofLines: number } | undefined {
    return this.header === undefined ? undefined : { lines: this.parts.size, ofLines: this.header.lines };
  }

  /** Numbers of the lines that did not come whole. */
  missing(): number[] {
    const numbers = Array.from({ length: this.header?.lines ?? 0 }, (_, index) => index + 1);
    return numbers.filter((number) => !this.parts.has(number));
  }

  /**
   * The command that asks the board for what is missing, or for as much of it as a line takes; undefined: nothing is.
   * Its answer is over when {@link isOver} says so again.
   */
  nextCommand(): string | undefined {
    if (this.header === undefined) return "vpnmasq support --wire";
    const [first, ...others] = ranges(this.missing());
    if (first === undefined) return undefined;
    this.hasEnded = false;
    let command = `vpnmasq support --again ${first}`;
    for (const range of others) {
      if (command.length + range.length < REQUEST_CHARACTERS_MAX) command += `,${range}`;
    }
    return command;
  }

  /** The bundle as JSON text. @throws Error that says what is missing or wrong */
  text(): string {
    if (this.header === undefined) throw new Error("No support bundle came: its first line is missing.");
    const missing = this.missing();
    if (missing.length > 0) {
      throw new Error(`The support bundle is not whole: lines ${ranges(missing).join(", ")} are missing.`);
    }
    const { lines, bytes, checksum, packing } = this.header;
    const packed = Buffer.concat(Array.from({ length: lines }, (_, index) => this.parts.get(index + 1) as Buffer));
    if (packed.length !== bytes || zlib.crc32(packed) !== checksum) {
      throw new Error("The support bundle is damaged, though each of its lines is whole. Ask for it again.");
    }
    return (packing === "gzip" ? zlib.gunzipSync(packed) : packed).toString("utf8");
  }
}
