// SPDX-License-Identifier: GPL-2.0-only
// A race staged: two clients with new epochs, data that is sent in a chosen order, and the server's answers to pings
// kept back until the order has done its harm.
//
// Both runs follow the same script. Without the watchdog nothing else is sent, so the order at the router is exactly
// the script's; with it, whatever the watchdog keeps back or sends besides is its defence.

import { closeTap, drain, openTap, type Tap } from "./capture";
import { nowMs, sleepMs, waitUntil } from "./clock";
import { rekeyEpoch, spisOf } from "./libreswan";
import { Messages } from "./messages";
import type { RouterSettings } from "./router";
import type { Findings, Scenario } from "./scenario";
import { inBackground, must } from "./shell";
import { type Client, SERVER } from "./topology";
import { answeredPercent, backAfterMs, type ClientTraffic, startTraffic, stopTraffic } from "./traffic";
import { endRun, QUICK_ENDPOINT, type Run, startRun, type WatchedLab } from "./watched-lab";

const REKEY_TIMEOUT_MS = 8000;
/** For a packet to cross the lab's network, and for the router to have done with it. */
const STEP_MS = 80;
/** How long the outcome is watched. */
const WATCH_MS = 6000;
/** Idle time, a row of the pings of QUICK_ENDPOINT (3.25 s), a rekey by libreswan (1.2 s, measured) and its ping. */
const RECOVERY_MS_MAX = 5600;

/** What a script may do. */
export class Stage {
  readonly first: Client;
  readonly second: Client;
  private readonly taps: readonly Tap[];
  private readonly talks: readonly Messages[];

  constructor(
    private readonly findings: Findings,
    readonly lab: WatchedLab,
  ) {
    const { clients } = lab.topology;
    [this.first, this.second] = clients;
    this.taps = clients.map(({ name }) => openTap(name, "eth0"));
    this.talks = clients.map((client) => new Messages(client));
  }

  /** A client's data goes to the server. */
  fromClient(client: Client, text: string): void {
    this.step(`${client.name} sends: ${text}`, () => {
      this.talks[client.number - 1].fromClient();
    });
  }

  /** The server's data goes to a client. */
  fromServer(client: Client, text: string): void {
    this.step(`server sends to ${client.name}: ${text}`, () => {
      this.talks[client.number - 1].fromServer();
    });
  }

  /** New epochs, of several clients at once. */
  rekey(clients: readonly Client[]): void {
    const before = clients.map((client) => spisOf(client)?.outgoing);
    const isNew = (client: Client, index: number): boolean => {
      const now = spisOf(client)?.outgoing;
      return now !== undefined && now !== before[index];
    };
    for (const client of clients)
      inBackground(() => {
        rekeyEpoch(client, this.lab.run.version);
      });
    const areAll = waitUntil(() => clients.every((client, index) => isNew(client, index)), REKEY_TIMEOUT_MS);
    const names = clients.map(({ name }) => name).join(" and ");
    this.findings.check(areAll, `${names}: a rekey gave no new epoch.`);
    this.lab.timeLine.mark(`${names} rekeyed`);
  }

  pause(durationMs: number, text: string): void {
    this.lab.timeLine.mark(text);
    sleepMs(durationMs);
  }

  /** The server answers no ping: the answers of the script's packets are its own. */
  keepAnswersBack(): void {
    must(`ip netns exec ${SERVER} sysctl -qw net.ipv4.icmp_echo_ignore_all=1`);
  }

  /** @returns when */
  letAnswersPass(): number {
    must(`ip netns exec ${SERVER} sysctl -qw net.ipv4.icmp_echo_ignore_all=0`);
    return this.lab.timeLine.mark("both directions talk from now on");
  }

  close(): void {
    for (const tap of this.taps) closeTap(tap);
    for (const talk of this.talks) talk.close();
  }

  /** Does something and tells whose link what the server sent has reached. */
  private step(text: string, action: () => void): void {
    for (const tap of this.taps) drain(tap);
    action();
    const atMs = nowMs();
    sleepMs(STEP_MS);
    const reached: string[] = [];
    for (const [index, tap] of this.taps.entries()) {
      if (drain(tap).some(({ isOutgoing, spi }) => !isOutgoing && spi !== "")) reached.push(`client${index + 1}`);
    }
    const arrivals = reached.length === 0 ? "" : ` (ESP arrives at ${reached.join(" and ")})`;
    this.lab.timeLine.at(atMs, text + arrivals);
  }
}

export interface Race {
  readonly name: string;
  readonly explanation: string;
  readonly router?: RouterSettings;
  /** What is staged, up to the moment from which both clients talk. @returns that moment */
  readonly script: (this: void, stage: Stage) => number;
  /** Whether the published algorithm alone leaves this client dead. */
  readonly isFatalTo: (this: void, client: Client) => boolean;
  readonly runs: readonly Run[];
}

/** The race as a scenario. */
export function raceScenario(race: Race): Scenario {
  const { name, explanation } = race;
  return {
    name,
    explanation,
    run: (findings) => {
      for (const run of race.runs) stageRace(findings, race, run);
    },
  };
}

function stageRace(findings: Findings, race: Race, run: Run): void {
  const circumstances = { clientCount: 2, endpoint: QUICK_ENDPOINT, router: race.router } as const;
  const lab = startRun(findings, run, circumstances);
  const stage = new Stage(findings, lab);
  const eventMs = race.script(stage);
  const traffic = startTraffic(lab.topology);
  sleepMs(WATCH_MS);
  const results = stopTraffic(traffic);
  for (const [index, result] of results.entries()) {
    const client = lab.topology.clients[index];
    const backMs = backAfterMs(result, eventMs);
    tellOutcome(lab, client, result, eventMs, backMs);
    const key = `${run.name}_${client.name}`;
    if (run.isProtected) findings.atMost(`${key}_works_after`, backMs, "ms", RECOVERY_MS_MAX);
    else if (race.isFatalTo(client)) findings.atMost(`${key}_answered`, answeredPercent(result), "%", 0);
    else findings.figure(`${key}_answered`, answeredPercent(result), "%");
  }
  stage.close();
  endRun(findings, lab);
}

function tellOutcome(
  { timeLine }: WatchedLab,
  { name }: Client,
  result: ClientTraffic,
  eventMs: number,
  backMs: number,
): void {
  if (backMs === math.huge) timeLine.mark(`${name} is dead: ${answeredPercent(result)} % answered`);
  else timeLine.at(eventMs + backMs, `${name} works`);
}
