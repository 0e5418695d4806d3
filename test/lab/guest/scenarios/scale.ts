// SPDX-License-Identifier: GPL-2.0-only
// Two hundred tunnels to one server through one router, every one of them renewed within a minute, and in the middle of
// it the router loses all it knows.
//
// The clients are addresses of one host with one IKE daemon, since there is no memory for two hundred hosts. For the
// router that is no difference: each has its address, its IKE session from UDP 500 and its own SPIs.

import { nowMs, sleepMs, waitUntil } from "../clock";
import {
  crowdText,
  type Lifetimes,
  logOf,
  renewalsOf,
  serverText,
  startLibreswan,
  type IkeOptions,
} from "../libreswan";
import { SIGTERM } from "../libc";
import { type Router, startRouter } from "../router";
import type { Findings, Scenario } from "../scenario";
import { must, stop } from "../shell";
import { buildTopology, crowdOf, removeTopology, SERVER, type Topology } from "../topology";
import {
  answeredPercent,
  backAfterMs,
  type ClientTraffic,
  measureTraffic,
  startTraffic,
  stopTraffic,
} from "../traffic";

const TUNNELS = 200;
const IKE: IkeOptions = { version: 2 };
/** Renewed 50 to 75 s after their beginning, which takes the tunnels half a minute in all. */
const LIFETIMES: Lifetimes = { keylifeS: 100, marginS: 25, fuzzPercent: 100 };
/** Each tunnel has its first epoch until then. */
const UP_MS = 120_000;
/** Two packets a second and tunnel: four hundred each way in all leave the guest's one CPU time for rekeys. */
const PATTERN = { intervalMs: 500, isPushing: false };
/** When half of the tunnels have renewed, the router is wiped; the other half renews while it learns. */
const RENEWED_BEFORE = TUNNELS / 2;
const RENEWED_BEFORE_MS = 90_000;
const AFTER_MS = 45_000;
const SETTLED_MS = 5000;
/** Of ten packets in that time: the second renewals have begun, and one costs a packet or two. */
const WELL_PERCENT = 80;
const DAEMON_STOP_MS = 5000;

/** Epochs that the clients' host has: each is a pair of SAs. */
function epochs({ clients: [{ node }] }: Topology): number {
  const [count] = string.match(must(`ip -n ${node} xfrm state count`), "SAD count (%d+)");
  return tonumber(count)! / 2;
}

function awaitCrowd(findings: Findings, topology: Topology): void {
  const startMs = nowMs();
  const areUp = waitUntil(() => {
    sleepMs(500);
    return epochs(topology) >= TUNNELS;
  }, UP_MS);
  findings.progress(`${epochs(topology)} epochs`);
  findings.figure("up_after", (nowMs() - startMs) / 1000, "s");
  findings.check(
    areUp,
    `Only ${epochs(topology)} of ${TUNNELS} tunnels came up:\n${logOf(topology.clients[0].node, 5)}`,
  );
}

/** The router is killed without a trace of what it knew, and started again. @returns when */
function wipe(findings: Findings, router: Router): number {
  const atMs = nowMs();
  router.kill();
  router.wipeSnapshot();
  router.restart();
  findings.progress(
    `vpnmasq killed, its snapshot deleted, started again after ${string.format("%.0f", nowMs() - atMs)} ms`,
  );
  return atMs;
}

function sum(results: readonly ClientTraffic[], pick: (result: ClientTraffic) => number): number {
  return results.reduce((total, result) => total + pick(result), 0);
}

/** The share of the sorted values below which so many of a hundred lie. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
}

/** Packets that were answered before the wipe, of those sent until then: renewals alone cost next to nothing. */
function judgeBefore(findings: Findings, results: readonly ClientTraffic[], beganMs: number, wipedMs: number): void {
  const answered = sum(results, ({ answersMs }) => answersMs.filter((atMs) => atMs < wipedMs).length);
  const sent = results.length * Math.floor((wipedMs - beganMs) / PATTERN.intervalMs);
  findings.figure("before_answered", Math.min(100, (100 * answered) / sent), "%");
}

function judgeOutage(findings: Findings, results: readonly ClientTraffic[], wipedMs: number): void {
  const backMs = results.map((result) => backAfterMs(result, wipedMs)).sort((one, other) => one - other);
  findings.figure("back_median", percentile(backMs, 50), "ms");
  findings.figure("back_p95", percentile(backMs, 95), "ms");
  findings.figure("back_last", backMs[backMs.length - 1], "ms");
  findings.atLeast("back", backMs.filter((tookMs) => tookMs < math.huge).length, "tunnels", TUNNELS);
  const sent = sum(results, (result) => result.sent);
  const lost = sent - sum(results, (result) => result.answered);
  findings.figure("sent", sent, "packets");
  findings.figure("lost", lost, "packets");
}

function judgeAfterwards(findings: Findings, results: readonly ClientTraffic[]): void {
  const well = results.filter((result) => answeredPercent(result) >= WELL_PERCENT);
  findings.atLeast("well_afterwards", well.length, "tunnels", TUNNELS);
}

function liveThroughWipe(findings: Findings, topology: Topology, router: Router): void {
  const [{ node }] = topology.clients;
  const traffic = startTraffic(topology, PATTERN);
  const beganMs = nowMs();
  waitUntil(() => {
    sleepMs(500);
    return renewalsOf(node) >= RENEWED_BEFORE;
  }, RENEWED_BEFORE_MS);
  findings.figure("renewals_before", renewalsOf(node), "epochs");
  const wipedMs = wipe(findings, router);
  sleepMs(AFTER_MS);
  const results = stopTraffic(traffic);
  findings.atLeast("renewals", renewalsOf(node), "epochs", TUNNELS);
  judgeBefore(findings, results, beganMs, wipedMs);
  judgeOutage(findings, results, wipedMs);
  judgeAfterwards(findings, measureTraffic(topology, SETTLED_MS, PATTERN));
}

export const scale: Scenario = {
  name: "scale",
  explanation:
    "200 tunnels to one server through one router, all renewed within a minute; in the middle the router loses its table. Two to three minutes.",
  run: (findings) => {
    must("rm -rf /run/nodes");
    const topology = crowdOf(buildTopology(1), TUNNELS);
    const [{ node }] = topology.clients;
    const router = startRouter();
    const daemons = [
      startLibreswan(SERVER, serverText(topology.clients, IKE)),
      startLibreswan(node, crowdText(topology.clients, IKE, LIFETIMES)),
    ];
    findings.progress(`network, vpnmasq and two libreswan daemons with ${TUNNELS} connections each`);
    awaitCrowd(findings, topology);
    liveThroughWipe(findings, topology, router);
    findings.exhibit(router.ask("counters"));
    for (const daemon of daemons) stop(daemon, SIGTERM, DAEMON_STOP_MS);
    router.stop();
    removeTopology(topology);
  },
};
