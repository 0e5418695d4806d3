// SPDX-License-Identifier: GPL-2.0-only
// What a NAT and a watchdog are worth: the same mishaps, with lifetimes as daemons have them, and how long each tunnel
// takes to work again.
//
// Each run has one mishap at a random moment of the epochs' lives, so that a rare one is seen as often as a common one;
// how often each happens in a year is counted in afterwards (test/sim/host/comparison.ts).

import { contradictions, DEFAULT_SURROUNDINGS } from "../../src/epoch/parameters";
import { Random } from "../spec/random";
import { HARDIN_OUTSTANDING_MS, HARDIN_OUTSTANDING_SENDS, HARDIN_IDLE_MS } from "./nat/hardin";
import { type ClientPlan, clientParameters, type Fault, type NatKind, type Scenario, STANDARD_PINGS } from "./plan";
import { Site } from "./site";

export type Mishap = "renewals" | "reboot" | "address" | "server" | "outage";
export type Watching = "none" | "clients" | "both";

export interface Comparison {
  readonly nat: NatKind;
  readonly watching: Watching;
  readonly mishap: Mishap;
  readonly samples: number;
  readonly seed: number;
}

export interface Compared {
  /** Of each tunnel that works again before the end of its run: how long that took after the mishap was over. */
  readonly recoveriesMs: readonly number[];
  /** Tunnels that did not work again until then, for so long each. */
  readonly dead: number;
  readonly watchedMs: number;
  /** Time that all tunnels were dead in, and that they were looked at, without a mishap. */
  readonly deadMs: number;
  readonly lookedAtMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Three clients of one server: a small branch. */
const CLIENTS = 3;
/** strongSwan's standard life of a child SA, FreeS/WAN's margin and fuzz; dead peer detection as most have it. */
const KEYLIFE_MS = HOUR;
const MARGIN_MS = 9 * MINUTE;
const LEAD_MS = MINUTE;
const NEGOTIATION_MS = 30 * SECOND;
const IKE_LIFE_MS = 4 * HOUR;
const DEAD_PEER_MS = 30 * SECOND;
const INTERVAL_MS = 10 * SECOND;
/** Often enough to see within two seconds that a tunnel works again. */
const REPEAT_MS = 2 * SECOND;
/** After the tunnels' beginning, before a mishap; and after it, until whatever still is dead is given up. */
const BEFORE_MS = 90 * MINUTE;
const AFTER_MS = 2.5 * HOUR;
const RENEWALS_MS = 8 * HOUR;
const REBOOT_MS = 40 * SECOND;
const SERVER_DOWN_MS = MINUTE;
const OUTAGE_MS = 3 * MINUTE;
const LINK = { latencyMs: 15, jitterMs: 5, lossPpm: 1000, duplicatePpm: 0, reorderPpm: 100, mtuBytes: 1500 } as const;

/** Pings that fit the patience of Hardin's patch: its Tout is two minutes (the inequalities of docs/configuration.md). */
const HARDIN_PINGS = { pingTimeMinMs: 25 * SECOND, pingTimeMaxMs: 30 * SECOND, pingTries: 11 } as const;

function planOf(number: number, { nat, watching }: Comparison, random: Random): ClientPlan {
  const plan: ClientPlan = {
    ...{ number, server: 0, version: random.below(2) === 0 ? 1 : 2, startMs: random.below(10 * MINUTE) },
    ...{ isClientWatched: watching !== "none", isServerWatched: watching === "both" },
    ...{ keylifeMs: KEYLIFE_MS, marginMs: MARGIN_MS, fuzz: 1, leadMs: LEAD_MS, negotiationMs: NEGOTIATION_MS },
    ...(nat === "hardin" ? HARDIN_PINGS : STANDARD_PINGS),
    ...{
      ikeLifeMs: IKE_LIFE_MS,
      deadPeerMs: DEAD_PEER_MS,
      intervalMs: INTERVAL_MS,
      repeatMostMs: REPEAT_MS,
      pushPercent: 50,
    },
  };
  const hardin = {
    natOutstandingMs: HARDIN_OUTSTANDING_MS,
    natOutstandingSends: HARDIN_OUTSTANDING_SENDS,
    natIdleMs: HARDIN_IDLE_MS,
  };
  const surroundings = { ...DEFAULT_SURROUNDINGS, ...(nat === "hardin" ? hardin : {}), otherTunnels: CLIENTS - 1 };
  const problems = contradictions(clientParameters(plan), surroundings);
  if (problems.length > 0) error(`the compared timers contradict each other: ${problems.join("; ")}`);
  return plan.version === 1 ? { ...plan, ikeLifeMs: undefined } : plan;
}

/** The mishap, and how long it lasts. */
function faultsOf(mishap: Mishap, atMs: number): readonly [Fault[], number] {
  switch (mishap) {
    case "renewals":
      return [[], 0];
    case "reboot":
      return [[{ kind: "restart", atMs, memory: "none", downMs: REBOOT_MS }], REBOOT_MS];
    case "address":
      return [[{ kind: "wan-address", atMs }], 0];
    case "server":
      return [[{ kind: "server-restart", atMs, server: 0, downMs: SERVER_DOWN_MS }], SERVER_DOWN_MS];
    case "outage":
      return [[{ kind: "outage", atMs, downMs: OUTAGE_MS }], OUTAGE_MS];
  }
}

export function compare(comparison: Comparison): Compared {
  const { nat, mishap, samples, seed } = comparison;
  const recoveriesMs: number[] = [];
  const sums = { dead: 0, deadMs: 0, lookedAtMs: 0 };
  for (const sample of $range(1, samples)) {
    const random = new Random(seed + sample);
    for (const _ of $range(1, 3)) random.below(2); // neighbouring seeds begin with neighbouring numbers
    const atMs = BEFORE_MS + random.below(KEYLIFE_MS);
    const [faults, downMs] = faultsOf(mishap, atMs);
    const endMs = mishap === "renewals" ? RENEWALS_MS : atMs + downMs + AFTER_MS;
    const clients: ClientPlan[] = [];
    for (const number of $range(0, CLIENTS - 1)) clients.push(planOf(number, comparison, random));
    const rest = { profile: "compare", seed: seed + sample, limits: {}, link: LINK } as const;
    const scenario: Scenario = { ...rest, nat, durationMs: endMs, clients, faults };
    const site = new Site(scenario, Infinity, undefined);
    site.promises.areKept = false;
    for (const { requests } of site.tunnels) requests.recoversFromMs = atMs + downMs;
    site.run();
    for (const { requests, plan } of site.tunnels) {
      if (mishap === "renewals") {
        for (const outageMs of requests.outages) sums.deadMs += outageMs;
        if (requests.askedMs !== undefined) sums.deadMs += endMs - requests.askedMs;
        sums.lookedAtMs += endMs - plan.startMs;
      } else if (requests.recoveryMs === undefined) sums.dead += 1;
      else recoveriesMs.push(requests.recoveryMs);
    }
  }
  return { recoveriesMs, watchedMs: AFTER_MS, ...sums };
}
