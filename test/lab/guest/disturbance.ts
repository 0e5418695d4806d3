// SPDX-License-Identifier: GPL-2.0-only
// Something happens to tunnels that carry traffic in both directions: how long until each carries it again, with and
// without the watchdog?

import { sleepMs } from "./clock";
import type { Findings, Scenario } from "./scenario";
import { type Client, SERVER } from "./topology";
import { backAfterMs, startTraffic, stopTraffic, type TrafficPattern } from "./traffic";
import { type Circumstances, endRun, type Run, startRun, type WatchedLab } from "./watched-lab";
import { type Account, accountsOf, type WatchedState } from "./watchdogs";

const BEFORE_MS = 1000;

/** What recovery may take, in milliseconds from the moment that `strike` gives. */
export interface RecoveryBounds {
  readonly longestMs: number;
  readonly medianMs?: number;
  /** What the IKE daemon takes to carry out the order for a new session comes on top. */
  readonly isNegotiationExtra?: boolean;
  /** New IKE sessions of all clients together. */
  readonly mostNewSessions?: number;
}

export interface Disturbance {
  readonly name: string;
  readonly explanation: string;
  readonly circumstances: Circumstances;
  readonly pattern: TrafficPattern;
  readonly runs: readonly Run[];
  readonly isForBoards?: true;
  /** @returns from when recovery is possible */
  readonly strike: (this: void, lab: WatchedLab) => number;
  /** How long after it is watched; where nobody helps, a part of that shows enough. */
  readonly watchMs: number;
  readonly watchUnprotectedMs?: number;
  readonly bounds: RecoveryBounds;
  /** How many clients at least stay dead without any watchdog and extension. */
  readonly leastDeadWithout: number;
}

export function disturbanceScenario(disturbance: Disturbance): Scenario {
  const { name, explanation, runs, isForBoards } = disturbance;
  return {
    name,
    explanation,
    isForBoards,
    run: (findings) => {
      for (const run of runs) disturb(findings, disturbance, run);
    },
  };
}

function disturb(findings: Findings, disturbance: Disturbance, run: Run): void {
  const { circumstances, pattern, strike } = disturbance;
  const watchMs = run.isProtected ? disturbance.watchMs : (disturbance.watchUnprotectedMs ?? disturbance.watchMs);
  const lab = startRun(findings, run, circumstances);
  const traffic = startTraffic(lab.topology, pattern);
  sleepMs(BEFORE_MS);
  const eventMs = strike(lab);
  sleepMs(watchMs);
  const backsMs = stopTraffic(traffic).map((result) => backAfterMs(result, eventMs));
  for (const [index, client] of lab.topology.clients.entries()) {
    tellOutcome(lab, client, eventMs, backsMs[index]);
  }
  const accounts = accountsOf(lab.watchdogs);
  judge(findings, disturbance, lab, accounts, backsMs, watchMs);
  endRun(findings, lab, accounts);
}

function tellOutcome({ timeLine }: WatchedLab, { name }: Client, eventMs: number, backMs: number): void {
  if (backMs === math.huge) timeLine.mark(`${name} is still dead`);
  else timeLine.at(eventMs + backMs, `${name} works`);
}

function judge(
  findings: Findings,
  { bounds, leastDeadWithout }: Disturbance,
  lab: WatchedLab,
  accounts: readonly Account[],
  backsMs: readonly number[],
  watchMs: number,
): void {
  const { run } = lab;
  const sortedMs = [...backsMs].sort((one, other) => one - other);
  const dead = sortedMs.filter((backMs) => backMs === math.huge).length;
  if (!run.isProtected) {
    findings.atLeast(`${run.name}_dead_after_${watchMs / 1000}_s`, dead, "clients", leastDeadWithout);
    return;
  }
  findings.atMost(`${run.name}_dead_after_${watchMs / 1000}_s`, dead, "clients", 0);
  judgeLongest(findings, run, accounts, bounds, backsMs);
  const medianMs = sortedMs[math.floor(sortedMs.length / 2)];
  if (bounds.medianMs !== undefined) findings.atMost(`${run.name}_median`, medianMs, "ms", bounds.medianMs);
  else findings.figure(`${run.name}_median`, medianMs, "ms");
  if (run.hasClientEndpoints) judgeActions(findings, lab, accounts, bounds);
}

function judgeLongest(
  findings: Findings,
  run: Run,
  accounts: readonly Account[],
  bounds: RecoveryBounds,
  backsMs: readonly number[],
): void {
  const longestMs = math.max(0, ...backsMs);
  if (bounds.isNegotiationExtra !== true) {
    findings.atMost(`${run.name}_longest`, longestMs, "ms", bounds.longestMs);
    return;
  }
  findings.figure(`${run.name}_longest`, longestMs, "ms");
  const ofClients = accounts.filter(({ watchdog }) => watchdog.node !== SERVER);
  const negotiationsMs = ofClients.map(({ said }) => negotiationMs(said));
  findings.figure(`${run.name}_negotiation`, math.max(0, ...negotiationsMs), "ms");
  const ownMs = backsMs.map((backMs, index) => backMs - negotiationsMs[index]);
  findings.atMost(`${run.name}_longest_beside_negotiation`, math.max(0, ...ownMs), "ms", bounds.longestMs);
}

/** How long the IKE daemon took from the order for a new session to the epoch that came of it. */
function negotiationMs({ events }: WatchedState): number {
  // The latest comes first.
  let epochAgeMs = 0;
  for (const { age_ms, text } of events) {
    if (text === "a new epoch has come") epochAgeMs = age_ms;
    if (text.startsWith("new-ike:")) return age_ms - epochAgeMs;
  }
  return 0;
}

/** What the watchdogs asked of the IKE daemons. */
function judgeActions(
  findings: Findings,
  { run, timeLine }: WatchedLab,
  accounts: readonly Account[],
  bounds: RecoveryBounds,
): void {
  let newSessions = 0;
  let rekeys = 0;
  for (const { said, saidMs } of accounts) {
    for (const { age_ms, text } of said.events) {
      if (timeLine.isSince(saidMs - age_ms)) {
        newSessions += text.startsWith("new-ike:") ? 1 : 0;
        rekeys += text.startsWith("rekey:") || text.startsWith("initiate:") ? 1 : 0;
      }
    }
  }
  findings.figure(`${run.name}_rekeys`, rekeys, "orders");
  if (bounds.mostNewSessions === undefined) findings.figure(`${run.name}_new_ike_sessions`, newSessions, "orders");
  else findings.atMost(`${run.name}_new_ike_sessions`, newSessions, "orders", bounds.mostNewSessions);
}
