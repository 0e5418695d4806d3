// SPDX-License-Identifier: GPL-2.0-only
// Rekeys while both directions are busy: on a sound network with downloads, and on one that loses and delays. Nothing is
// wrong with these tunnels, so a watchdog has nothing to repair, and no data may leave on an epoch before its answer.

import { drain, openTap, type Packet, type Tap, closeTap } from "../capture";
import { answersAtClient, answersAtServer, epochsOf, epochUse } from "../confirmed-epochs";
import { nowMs, sleepMs } from "../clock";
import { rekeyEpoch } from "../libreswan";
import { isLong } from "../long-run";
import type { Findings, Scenario } from "../scenario";
import { inBackground } from "../shell";
import { type Client, SERVER, worsenInternet } from "../topology";
import { answeredPercent, type ClientTraffic, startTraffic, stopTraffic, type TrafficPattern } from "../traffic";
import {
  endRun,
  OUTSTANDING_MS,
  QUICK_ENDPOINT,
  type Run,
  startRun,
  WITH_BOTH,
  type WatchedLab,
  WITHOUT,
  withIkeV1,
} from "../watched-lab";
import { explainTunnel, type WatchSettings } from "../watchdogs";

const DELAY_MS = 100;
const LOSS_PERCENT = 5;
/** Both ways, without what happens to be held. */
const LOSSY_LEAST_PERCENT = 80;
const LONG_MS = 600_000;
/** Before a client's rekey, and between the clients'. */
const REKEY_PAUSE_MS = 2500;

/** The standard patience in all but the ping's shortest wait: a lossy line must not look like a dead one. */
const LOSSY_ENDPOINT: WatchSettings = {
  timers: {
    max_idle_ms: 2000,
    ping_time_min_ms: 250,
    ping_time_max_ms: 1000,
    ping_tries: 7,
    rekey_ms: 5000,
    negotiation_ms: 30_000,
  },
  network: { nat_outstanding_ms: OUTSTANDING_MS, other_tunnels: 4 },
};

interface Load {
  readonly endpoint: WatchSettings;
  readonly pattern: TrafficPattern;
  readonly durationMs: number;
  /** All clients rekey at the same time. */
  readonly isTogether: boolean;
  readonly arrange: (this: void) => void;
}

/** What the links have seen, taken while the run goes on: the kernel keeps only so much. */
class Links {
  readonly server: Packet[] = [];
  readonly clients: Packet[][];
  /** SPIs of the epochs that were in use when it began. */
  readonly before: readonly string[];
  private readonly serverTap: Tap;
  private readonly clientTaps: Tap[];

  constructor({ topology }: WatchedLab) {
    this.serverTap = openTap(SERVER, "eth0");
    this.clientTaps = topology.clients.map(({ name }) => openTap(name, "eth0"));
    this.clients = topology.clients.map(() => []);
    const epochs = topology.clients.map((client) => epochsOf(client)).flat();
    this.before = epochs.map(({ outgoing, incoming }) => [outgoing, incoming]).flat();
  }

  read(): void {
    this.server.push(...drain(this.serverTap));
    for (const [index, tap] of this.clientTaps.entries()) this.clients[index].push(...drain(tap));
  }

  close(): void {
    this.read();
    closeTap(this.serverTap);
    for (const tap of this.clientTaps) closeTap(tap);
  }
}

/** Rekeys one client after the other while traffic flows. @returns what came of the traffic */
function rekeyUnderLoad(lab: WatchedLab, load: Load, links: Links): readonly ClientTraffic[] {
  const { clients } = lab.topology;
  const endMs = nowMs() + load.durationMs;
  const traffic = startTraffic(lab.topology, load.pattern);
  const turns = [...clients];
  while (nowMs() < endMs) {
    sleepMs(REKEY_PAUSE_MS);
    links.read();
    if (nowMs() + REKEY_PAUSE_MS < endMs) rekeyNext(lab, turns, load.isTogether);
  }
  return stopTraffic(traffic);
}

function rekeyNext({ timeLine, run }: WatchedLab, turns: Client[], isTogether: boolean): void {
  for (const client of isTogether ? turns : [turns[0]]) {
    timeLine.mark(`${client.name} rekeys`);
    inBackground(() => {
      rekeyEpoch(client, run.version);
    });
  }
  const done = turns.shift()!;
  turns.push(done);
}

function judgeEpochs(findings: Findings, { run, topology }: WatchedLab, links: Links): void {
  for (const [index, client] of topology.clients.entries()) {
    const epochs = epochsOf(client);
    const atClient = epochUse(links.clients[index], answersAtClient(epochs), links.before);
    const atServer = epochUse(links.server, answersAtServer(epochs), links.before);
    const key = `${run.name}_${client.name}`;
    findings.atLeast(`${key}_epochs`, atClient.used, "epochs", 2);
    findings.atLeast(`${key}_data`, atClient.data + atServer.data, "packets", 100);
    const early = atClient.early + atServer.early;
    if (run.hasServerEndpoint) findings.atMost(`${key}_data_on_unconfirmed`, early, "packets", 0);
    else findings.figure(`${key}_data_on_unconfirmed`, early, "packets");
  }
}

/** Nothing was wrong, so nothing may have been repaired. */
function judgeCalm(findings: Findings, { run, watchdogs }: WatchedLab): void {
  for (const watchdog of watchdogs) {
    for (const tunnel of watchdog.tunnels) {
      const { recoveries, events } = explainTunnel(watchdog, tunnel);
      const alarms = [...events].filter(({ state }) => state === "recovering").length;
      const key = `${run.name}_${watchdog.node}_${tunnel}`;
      findings.atMost(`${key}_false_alarms`, math.max(recoveries, alarms), "alarms", 0);
    }
  }
}

function runLoad(
  findings: Findings,
  run: Run,
  load: Load,
): WatchedLab & { readonly traffic: readonly ClientTraffic[] } {
  const circumstances = { clientCount: 2, endpoint: load.endpoint } as const;
  const lab = startRun(findings, run, circumstances);
  load.arrange();
  const links = new Links(lab);
  const traffic = rekeyUnderLoad(lab, load, links);
  links.close();
  judgeEpochs(findings, lab, links);
  judgeCalm(findings, lab);
  return { ...lab, traffic };
}

export const serverFirst: Scenario = {
  name: "server-first",
  explanation:
    "Downloads during rekeys: the server has data for a new epoch before the client has used it. Without the watchdog it goes out first and the router has to guess; with it, it waits for the client's ping.",
  run: (findings) => {
    const load: Load = {
      endpoint: QUICK_ENDPOINT,
      pattern: { intervalMs: 20, isPushing: true },
      durationMs: 12_000,
      isTogether: true,
      arrange: () => undefined,
    };
    for (const run of [WITHOUT, WITH_BOTH, withIkeV1(WITH_BOTH)]) {
      const lab = runLoad(findings, run, load);
      for (const [index, { pushed, pushesMs }] of lab.traffic.entries()) {
        const percent = math.floor((100 * pushesMs.length) / math.max(1, pushed) + 0.5);
        const key = `${run.name}_client${index + 1}_download`;
        lab.timeLine.mark(`client${index + 1} got ${percent} % of its download`);
        if (run.hasServerEndpoint) findings.atLeast(key, percent, "%", 97);
        else findings.figure(key, percent, "%");
      }
      endRun(findings, lab);
    }
  },
};

export const lossy: Scenario = {
  name: "lossy",
  explanation:
    "5 % loss and 100 ms each way, with rekeys: no false alarm, and no data on an epoch that was not confirmed. With --long ten minutes of it.",
  run: (findings) => {
    const load: Load = {
      endpoint: LOSSY_ENDPOINT,
      pattern: { intervalMs: 100, isPushing: true },
      durationMs: isLong() ? LONG_MS : 25_000,
      isTogether: false,
      arrange: () => {
        worsenInternet(DELAY_MS, LOSS_PERCENT);
      },
    };
    const lab = runLoad(findings, WITH_BOTH, load);
    for (const [index, traffic] of lab.traffic.entries()) {
      findings.atLeast(`with_client${index + 1}_answered`, answeredPercent(traffic), "%", LOSSY_LEAST_PERCENT);
    }
    endRun(findings, lab);
  },
};
