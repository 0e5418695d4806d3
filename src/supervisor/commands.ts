// SPDX-License-Identifier: GPL-2.0-only
// What a person types on the supervisor's own serial port, and what it answers.

import { readableSeconds, utcText } from "./time-text";
import type { Cause, ResetRecord } from "./reset-record";
import type { Supervisor } from "./supervisor";

/** Without a number `hold` keeps off for so long, and never longer than a day: a forgotten hold watches nothing. */
const HOLD_MINUTES = 60;
const HOLD_MINUTES_MAX = 1440;
const MINUTE_MS = 60_000;

const HELP = [
  "status           what the board does, and when it would be reset",
  "log              the last resets and their causes",
  "hold [MINUTES]   make no resets, 60 minutes or as many (1 to 1440)",
  "resume           watch again, with a new grace",
  "reset            reset the board now",
];

export interface Answer {
  readonly lines: readonly string[];
  /** The board is to be reset. */
  readonly reset?: Cause;
}

function seconds(ms: number): string {
  return readableSeconds(Math.ceil(ms / 1000));
}

function statusLines(supervisor: Supervisor, record: ResetRecord, nowMs: number): string[] {
  const { heartbeat, damaged } = supervisor;
  const endsInMs = supervisor.phaseEndsInMs(nowMs);
  const lines = [
    `board      ${supervisor.phase(nowMs)}${endsInMs === undefined ? "" : `, for ${seconds(endsInMs)} at most`}`,
  ];
  if (heartbeat === undefined) lines.push(`heartbeat  none for ${seconds(supervisor.silentMs(nowMs))}`);
  else {
    const { sequence, health, reason } = heartbeat;
    lines.push(`heartbeat  ${sequence}, ${seconds(supervisor.silentMs(nowMs))} ago: ${health}, ${reason}`);
  }
  if (damaged > 0) lines.push(`damaged    ${damaged} heartbeats`);
  const waitMs = supervisor.waitMs(nowMs);
  lines.push(`next reset ${waitMs > 0 ? `not before ${seconds(waitMs)} from now` : "whenever it is needed"}`);
  lines.push(`resets     ${record.resets.length} remembered, ${record.unhelpful} running that did not help`);
  return lines;
}

function logLines(record: ResetRecord): string[] {
  if (record.resets.length === 0) return ["no reset was ever made"];
  const lines: string[] = [];
  for (const { number, cause, sequence, wallSeconds } of record.resets) {
    const when = wallSeconds === 0 ? "time unknown" : utcText(wallSeconds);
    const last = sequence === 0 ? "no heartbeat before" : `last heartbeat ${sequence}`;
    lines.push(`${number}  ${when}  ${cause}, ${last}`);
  }
  return lines;
}

function holdMinutes(word: string | undefined): number | undefined {
  if (word === undefined) return HOLD_MINUTES;
  const minutes = Number(word);
  return minutes >= 1 && minutes <= HOLD_MINUTES_MAX ? Math.floor(minutes) : undefined;
}

function hold(supervisor: Supervisor, word: string | undefined, nowMs: number): Answer {
  const minutes = holdMinutes(word);
  if (minutes === undefined) return { lines: [`hold: use a number of minutes from 1 to ${HOLD_MINUTES_MAX}`] };
  supervisor.hold(minutes * MINUTE_MS, nowMs);
  return { lines: [`held for ${minutes} minutes; "resume" ends it`] };
}

function reset(supervisor: Supervisor, nowMs: number): Answer {
  const cause = supervisor.resetByHand(nowMs);
  if (cause === undefined) return { lines: ['not reset: the board is being flashed; "resume" says that it is not'] };
  return { lines: ["the board is reset"], reset: cause };
}

/** The answer to a line that a person typed. */
export function answerCommand(line: string, supervisor: Supervisor, record: ResetRecord, nowMs: number): Answer {
  const words: string[] = [];
  for (const word of line.split(" ")) if (word !== "") words.push(word);
  switch (words[0]) {
    case "status":
      return { lines: statusLines(supervisor, record, nowMs) };
    case "log":
      return { lines: logLines(record) };
    case "hold":
      return hold(supervisor, words.length > 1 ? words[1] : undefined, nowMs);
    case "resume":
      supervisor.resume(nowMs);
      return { lines: ["watching"] };
    case "reset":
      return reset(supervisor, nowMs);
    case "help":
      return { lines: HELP };
    default:
      return { lines: [`there is no command "${words.length > 0 ? words[0] : ""}"; these are:`].concat(HELP) };
  }
}
