// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq health`: one line and an exit status, for whoever feeds a watchdog. Where the firmware wrote down why the board
// was started last, a person gets that behind it: a router that is well now may be so because of a reset.
//
// Nobody may wait for a router that hangs, so the time limit is short, and no answer in that time is an answer: wedged.

import { readFile } from "../system/files";
import { askRouter, nobodyAnswers } from "./control-client";
import { writeJson } from "./json";
import type { HealthReport } from "./report/health-report";
import { SCREEN_COLUMNS, wrapText } from "./text/layout";

/** A router answers in some milliseconds; the longest it computes at a stretch is 0.3 s. */
export const HEALTH_TIMEOUT_MS = 2000;

/** What a watchdog does with it: feed on the first two, as no restart mends what is degraded. */
const EXIT_STATUS = { ok: 0, degraded: 1, wedged: 3, absent: 4 } as const;

/** The router's own word, or what its silence means. */
export function askHealth(control: string, timeoutMs = HEALTH_TIMEOUT_MS): HealthReport {
  const [report, problem] = askRouter<HealthReport>(control, { command: "health" }, timeoutMs);
  if (report !== undefined) return report;
  if (problem === nobodyAnswers("router", control)) return { health: "absent", reason: "no-router", meaning: problem };
  return { health: "wedged", reason: "no-answer", meaning: problem };
}

/** Written by a firmware at each start: one line, as "started slot-a after: power was off". */
export const BOARD_START_FILE = "/var/run/board/start";
/** Causes are a sentence; what is longer is no such file. */
const BOARD_START_BYTES_MAX = 1024;

/** Why the board was started last; undefined where no firmware wrote it down. */
export function readBoardStart(file: string): string | undefined {
  const [text] = readFile(file, BOARD_START_BYTES_MAX);
  const [line] = string.match(text ?? "", "^%C+");
  return line;
}

/** @param boardStart of {@link readBoardStart} */
export function healthLines({ health, reason, meaning }: HealthReport, boardStart: string | undefined): string[] {
  const first = `${health}: ${reason}: ${meaning}`;
  if (boardStart === undefined) return [first];
  return [first, ...wrapText(`board: ${boardStart}`, SCREEN_COLUMNS)];
}

/** @returns the exit status. */
export function showHealth(control: string, isJson: boolean): number {
  const report = askHealth(control);
  const boardStart = readBoardStart(BOARD_START_FILE);
  const text = isJson ? writeJson({ ...report, board_start: boardStart }) : healthLines(report, boardStart).join("\n");
  io.stdout.write(`${text}\n`);
  return EXIT_STATUS[report.health];
}
