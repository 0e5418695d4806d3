// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq health`: one line and an exit status, for whoever feeds a watchdog.
//
// Nobody may wait for a router that hangs, so the time limit is short, and no answer in that time is an answer: wedged.

import { askRouter, nobodyAnswers } from "./control-client";
import { writeJson } from "./json";
import type { HealthReport } from "./report/health-report";

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

/** @returns the exit status. */
export function showHealth(control: string, isJson: boolean): number {
  const report = askHealth(control);
  const { health, reason, meaning } = report;
  io.stdout.write(isJson ? `${writeJson(report)}\n` : `${health}: ${reason}: ${meaning}\n`);
  return EXIT_STATUS[health];
}
