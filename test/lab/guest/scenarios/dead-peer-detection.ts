// SPDX-License-Identifier: GPL-2.0-only
// What users have today beside what they could have: two clients suffer the same outage in the same network, one has a
// watchdog, the other the IKE daemon's dead peer detection as it is commonly set (30 s delay, 120 s timeout).

import { sleepMs, waitUntil } from "../clock";
import { restartServer, spisOf } from "../libreswan";
import { isLong } from "../long-run";
import type { Findings, Scenario } from "../scenario";
import { changeWanAddress } from "../topology";
import { backAfterMs, startTraffic, stopTraffic } from "../traffic";
import { endRun, QUICK_ENDPOINT, type Run, startRun, type WatchedLab } from "../watched-lab";
import { watchClient } from "../watchdogs";

const DEAD_PEER_DELAY_S = 30;
const DEAD_PEER_TIMEOUT_S = 120;
/** Delay and timeout, and more than a minute for what comes after. */
const PATIENCE_MS = 1000 * (DEAD_PEER_DELAY_S + DEAD_PEER_TIMEOUT_S) + 70_000;
/** After the slower one has a new epoch, its traffic is watched for so long. */
const SETTLE_MS = 3000;
const BEFORE_MS = 1000;
/** The watchdog's, with the timers of QUICK_ENDPOINT: idle, pings, two rekeys, a new session. */
const WATCHED_MS_MAX = 15_000;

interface Outage {
  readonly name: string;
  readonly text: string;
  readonly strike: (this: void, lab: WatchedLab) => void;
}

const OUTAGES: readonly Outage[] = [
  {
    name: "server_restarted",
    text: "the server has restarted and knows no tunnel",
    strike: ({ ike, topology, ikeOptions }) => {
      restartServer(ike, topology.clients, ikeOptions, 0);
    },
  },
  {
    name: "address_changed",
    text: "the router's public address has changed",
    strike: () => {
      changeWanAddress("203.0.113.77");
    },
  },
  {
    name: "table_lost",
    text: "the router has lost its table and snapshot",
    strike: (lab) => {
      lab.router.kill();
      lab.router.wipeSnapshot();
      lab.router.restart();
    },
  },
];

function suffer(findings: Findings, outage: Outage): void {
  const run: Run = {
    name: outage.name,
    title: `Client 1 has a watchdog, client 2 dead peer detection: ${outage.text}`,
    version: 2,
    hasPublishedRouter: true,
    hasClientEndpoints: false,
    hasServerEndpoint: false,
    hasNatLossWatch: false,
    isProtected: true,
  };
  const ike = { deadPeerDelayS: DEAD_PEER_DELAY_S, deadPeerTimeoutS: DEAD_PEER_TIMEOUT_S } as const;
  const plain = startRun(findings, run, { clientCount: 2, ike, endpoint: QUICK_ENDPOINT });
  const [watched, stock] = plain.topology.clients;
  const lab = { ...plain, watchdogs: [watchClient(watched, QUICK_ENDPOINT)] };
  const before = spisOf(stock)?.incoming;
  const traffic = startTraffic(lab.topology, { intervalMs: 100, isPushing: false });
  sleepMs(BEFORE_MS);
  outage.strike(lab);
  const eventMs = lab.timeLine.mark(outage.text);
  waitUntil(() => {
    sleepMs(1000);
    const now = spisOf(stock)?.incoming;
    return now !== undefined && now !== before;
  }, PATIENCE_MS);
  sleepMs(SETTLE_MS);
  const [watchedMs, stockMs] = stopTraffic(traffic).map((result) => backAfterMs(result, eventMs));
  findings.atMost(`${outage.name}_watchdog`, watchedMs, "ms", WATCHED_MS_MAX);
  findings.figure(`${outage.name}_dead_peer_detection`, stockMs, "ms");
  const watchedS = watchedMs / 1000;
  lab.timeLine.at(eventMs + watchedMs, string.format("client1 works after %.1f s (watchdog)", watchedS));
  if (stockMs === math.huge) lab.timeLine.mark("client2 is still dead (dead peer detection)");
  else {
    const text = string.format("client2 works after %.1f s (dead peer detection)", stockMs / 1000);
    lab.timeLine.at(eventMs + stockMs, text);
  }
  endRun(findings, lab);
}

export const deadPeerDetection: Scenario = {
  name: "dead-peer-detection",
  explanation:
    "The server restarts; one client has a watchdog, the other dead peer detection (30 s delay, 120 s timeout): the times side by side. With --long also after a change of address and a loss of the router's table. Takes four minutes.",
  run: (findings) => {
    for (const outage of isLong() ? OUTAGES : OUTAGES.slice(0, 1)) suffer(findings, outage);
  },
};
