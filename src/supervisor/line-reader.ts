// SPDX-License-Identifier: GPL-2.0-only
// Lines out of what a serial port gives, piece by piece. Memory is little: a line is cut at a length that no heartbeat
// has, and the rest of it is dropped.

/** Far above a heartbeat's length, which is about 80. */
const LINE_CHARACTERS_MAX = 240;

/** Splits with the interpreter's own function: a boot's 11 kB a second are too many for a loop over characters. */
export class LineReader {
  private line = "";

  /** @param onLine gets each line without its end; empty ones are left out */
  constructor(private readonly onLine: (line: string) => void) {}

  take(data: string): void {
    const parts = data.split("\n");
    const last = parts.length - 1;
    for (let at = 0; at < last; at += 1) {
      this.keep(parts[at]);
      this.finish();
    }
    this.keep(parts[last]);
  }

  private keep(part: string): void {
    if (this.line.length < LINE_CHARACTERS_MAX) this.line += part;
  }

  private finish(): void {
    const line = this.line;
    this.line = "";
    if (line !== "" && line !== "\r") this.onLine(line.split("\r").join(""));
  }
}
