// SPDX-License-Identifier: GPL-2.0-only
// What became of a reload of the configuration (SIGHUP), for the log and for who asks later.

import type { Log } from "../system/log";

export interface ReloadReport {
  readonly isGood: boolean;
  /** What was wrong (the running configuration was kept), or which keys wait for a restart. */
  readonly messages: readonly string[];
  readonly atMs: number;
}

/** A reload as control replies have it. */
export interface ReloadItem {
  readonly ok: boolean;
  readonly age_ms: number;
  readonly messages: readonly string[];
}

export function refuseReload(log: Log, problems: readonly string[], atMs: number): ReloadReport {
  for (const problem of problems) log.error(`reload: ${problem}`);
  log.error("reload: the running configuration is kept");
  return { isGood: false, messages: problems, atMs };
}

/** @param waiting keys whose change waits for a restart */
export function acceptReload(log: Log, waiting: readonly string[], atMs: number): ReloadReport {
  const messages = waiting.map((key) => `${key}: counts after a restart`);
  for (const message of messages) log.warning(`reload: ${message}`);
  log.notice("reload: done");
  return { isGood: true, messages, atMs };
}

export function reloadItem(report: ReloadReport | undefined, nowMs: number): ReloadItem | undefined {
  if (report === undefined) return undefined;
  return { ok: report.isGood, age_ms: nowMs - report.atMs, messages: report.messages };
}
