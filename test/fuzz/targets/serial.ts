// SPDX-License-Identifier: GPL-2.0-only
// The supervisor's serial ports: the router's console, a person's commands and what it saved of itself, in any order,
// with time passing. Whatever they say, resets keep to their budget.
//
// A line of the input is a line of the console; one that begins with ">" was typed by a person, with "+" it lets as
// many seconds pass, and with "VR1 " it is what was saved before a restart of the supervisor.

import { sealed } from "../../../src/heartbeat/checked-line";
import { answerCommand } from "../../../src/supervisor/commands";
import { DEFAULT_SUPERVISOR_LIMITS as LIMITS } from "../../../src/supervisor/limits";
import { LineReader } from "../../../src/supervisor/line-reader";
import { ResetRecord } from "../../../src/supervisor/reset-record";
import { Supervisor } from "../../../src/supervisor/supervisor";
import { textOf } from "../input";
import { demand, type Reached, type Target } from "../target";

const MARKS = ["VM1 ", "VM1F ", "VR1 "];
/** A wait of a line, in seconds, is cut to this: an execution is to be short. */
const WAIT_SECONDS_MAX = 900;
/** And of all lines together. */
const SECONDS_MAX = 7200;
const HOUR_MS = 3_600_000;
/** docs/supervisor.md: never more in any hour. */
const RESETS_AN_HOUR_MAX = 6;
/** A serial port gives what it has, here seven bytes at a time. */
const PIECE_BYTES = 7;
const ANSWER_BYTES_MAX = 160;

const STEADY = sealed("VM1 7 ok none time=1800000000 esp=3");
const SEEDS = [
  `${STEADY}\n+5\n${sealed("VM1 8 ok none")}\r\n+40\n>status\n>log`,
  `U-Boot 2023.01\n=> bootm\n[    0.0] Linux version 6.6\n+200\n+300\n+900\n>status\n`,
  `${sealed("VM1F begin 900")}\n+60\n>reset\n>resume\n>reset\n${sealed("VM1F end")}`,
  `${sealed("VM1 1 wedged ring")}\n${sealed("VM1 2 wedged ring")}\n${sealed("VM1 3 wedged ring")}\n+5\n`,
  `[1.0] Kernel panic - not syncing: Oops\n+31\n>hold 3\n+200\nCommencing upgrade\n`,
  `${sealed("VR1 3 2 1,silent,7,0 2,panic,0,1800000000")}\n>log\n+900\n+900\n+900\n+900`,
];

class Session {
  private nowMs = 0;
  private readonly resetsMs: number[] = [];
  private record = this.newRecord();
  private supervisor = this.newSupervisor();
  private readonly reader = new LineReader((line) => {
    this.supervisor.hear(line, this.nowMs);
  });

  constructor(private readonly reached: Reached) {}

  take(line: string): void {
    const first = string.sub(line, 1, 1);
    if (first === "+") this.wait(Math.min(tonumber(string.sub(line, 2)) ?? 1, WAIT_SECONDS_MAX));
    else if (first === ">") this.command(string.sub(line, 2));
    else if (line.startsWith("VR1 ")) this.restart(line);
    else this.hear(`${line}\n`);
    this.reached.note(this.supervisor.phase(this.nowMs));
  }

  private hear(text: string): void {
    for (const at of $range(1, string.len(text), PIECE_BYTES)) {
      this.reader.take(string.sub(text, at, at + PIECE_BYTES - 1));
    }
  }

  private wait(seconds: number): void {
    for (const _ of $range(1, seconds)) {
      if (this.nowMs >= SECONDS_MAX * 1000) return;
      this.nowMs += 1000;
      const cause = this.supervisor.tick(this.nowMs);
      if (cause !== undefined) this.noteReset(cause);
    }
  }

  private noteReset(cause: string): void {
    this.reached.note(`reset ${cause}`);
    this.resetsMs.push(this.nowMs);
    const inHour = this.resetsMs.filter((atMs) => this.nowMs - atMs < HOUR_MS).length;
    demand(inHour <= RESETS_AN_HOUR_MAX, `${inHour} resets within an hour`);
  }

  private command(line: string): void {
    const { lines, reset } = answerCommand(line, this.supervisor, this.record, this.nowMs);
    demand(lines.length > 0, "no answer");
    for (const text of lines) demand(string.len(text) <= ANSWER_BYTES_MAX + string.len(line), `a long answer: ${text}`);
    this.reached.note(`answer ${string.match(lines[0], "^%a*")[0]} ${reset ?? lines.length}`);
  }

  /** The supervisor itself starts again: its clock too, so the resets of the run before are not counted. */
  private restart(saved: string): void {
    this.record = this.newRecord();
    this.reached.note(`restored ${tostring(this.record.restore(saved))} ${this.record.resets.length}`);
    this.resetsMs.length = 0;
    this.supervisor = this.newSupervisor();
  }

  private newRecord(): ResetRecord {
    return new ResetRecord((text) => {
      const again = new ResetRecord(() => undefined);
      demand(again.restore(text), `saved what cannot be restored: ${text}`);
    });
  }

  private newSupervisor(): Supervisor {
    return new Supervisor(LIMITS, this.record, () => 0.5, this.nowMs);
  }
}

/** Lines that were to be sealed get a checksum that is right. */
function resealed(text: string): string {
  return string.gsub(text, "[^\n]+", (line: string) => {
    if (!MARKS.some((mark) => line.includes(mark))) return line;
    return sealed(string.gsub(line, "%*.*$", "")[0]);
  })[0];
}

export const serial: Target = {
  name: "serial",
  explanation: "The supervisor's serial input: console, commands and saved record; resets keep to their budget.",
  seeds: () => SEEDS,
  tokens: [
    "\n+900\n",
    "\n>reset\n",
    "\n>hold 5\n",
    "\n>resume\n",
    "U-Boot 20",
    "Linux version ",
    `\n${STEADY}\n`,
    "VM1F begin ",
  ],
  repair: (mutation) => {
    mutation.loadAt(0, resealed(mutation.text()));
  },
  execute: (input, reached) => {
    const session = new Session(reached);
    for (const [line] of string.gmatch(textOf(input), "[^\n]+")) session.take(line);
  },
};
