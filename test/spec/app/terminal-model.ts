// SPDX-License-Identifier: GPL-2.0-only
// A VT100 as far as `vpnmasq watch` uses one, for specs: what a person would see of the bytes that were sent.

export class TerminalModel {
  /** Text came to the right edge and went on below: a line was too long. */
  hasWrapped = false;
  isCursorHidden = false;
  private cells: string[][] = [];
  private row = 1;
  private column = 1;
  private top = 1;
  private bottom: number;

  constructor(
    private readonly rows: number,
    private readonly columns: number,
  ) {
    this.bottom = rows;
    this.clear();
  }

  take(bytes: string): void {
    let text = bytes;
    while (text !== "") {
      const [whole, parameters, final] = string.match(text, "^(\x1b%[([%d;?]*)(%a))");
      if (whole === undefined) this.put(string.sub(text, 1, 1));
      else this.obey(parameters, final);
      text = string.sub(text, whole === undefined ? 2 : string.len(whole) + 1);
    }
  }

  /** Without spaces at their ends. */
  lines(): string[] {
    return this.cells.map((cells) => string.gsub(cells.join(""), "%s+$", "")[0]);
  }

  /** First and last line of what scrolls. */
  region(): number[] {
    return [this.top, this.bottom];
  }

  private clear(): void {
    this.cells = [];
    for (const _ of $range(1, this.rows)) this.cells.push(this.emptyRow());
  }

  private emptyRow(): string[] {
    const row: string[] = [];
    for (const _ of $range(1, this.columns)) row.push(" ");
    return row;
  }

  private put(character: string): void {
    if (character === "\r") this.column = 1;
    else if (character === "\n") this.lineFeed();
    else {
      if (this.column > this.columns) {
        this.hasWrapped = true;
        this.column = 1;
        this.lineFeed();
      }
      this.cells[this.row - 1][this.column - 1] = character;
      this.column += 1;
    }
  }

  private lineFeed(): void {
    if (this.row !== this.bottom) {
      this.row = Math.min(this.rows, this.row + 1);
      return;
    }
    this.cells.splice(this.top - 1, 1);
    this.cells.splice(this.bottom - 1, 0, this.emptyRow());
  }

  private obey(parameters: string, final: string): void {
    const [first, second] = string.match(parameters, "^(%d*);?(%d*)$");
    if (final === "H") {
      this.row = Math.min(this.rows, tonumber(first) ?? 1);
      this.column = Math.min(this.columns, tonumber(second) ?? 1);
    } else if (final === "r") {
      this.top = tonumber(first) ?? 1;
      this.bottom = tonumber(second) ?? this.rows;
      this.row = 1;
      this.column = 1;
    } else if (final === "K") {
      for (const column of $range(this.column, this.columns)) this.cells[this.row - 1][column - 1] = " ";
    } else if (final === "J") {
      this.clear();
    } else if (parameters === "?25") {
      this.isCursorHidden = final === "l";
    } else if (final !== "m") {
      error(`the terminal does not know ESC [ ${parameters} ${final}`, 0);
    }
  }
}
