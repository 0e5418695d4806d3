// SPDX-License-Identifier: GPL-2.0-only
// Scenarios drawn at random: each seed is a site, and a profile says what it may be like.

import { contradictions, DEFAULT_SURROUNDINGS } from "../../src/epoch/parameters";
import { Random } from "../spec/random";
import { drawFaults, type FaultMix } from "./draw-faults";
import type { LinkConditions } from "./link";
import { type ClientPlan, clientParameters, type NatKind, type Scenario, STANDARD_PINGS } from "./plan";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HUNDRED = 100;

export interface Profile {
  readonly explanation: string;
  readonly clientsMost: number;
  /** Of a hundred sites, those in which all ends, all clients but no server, some clients, and none are watched. */
  readonly watched: readonly [number, number, number, number];
  /** Loss of a site's link, up to. */
  readonly lossPpmMost: number;
  readonly isUnruly: boolean;
  readonly faults: FaultMix;
  /** Between two faults on average. */
  readonly faultEveryMs: number;
}

/** Small tables, so that limits are met: 32 items a client are more than its epochs in a keylife. */
const LIMITS = {
  espItemsMax: 512,
  espItemsPerClientMax: 32,
  waitingPerServerMax: 64,
  espServerFirstPerServerMax: 64,
  ikeItemsMax: 256,
  fragmentDatagramsMax: 8,
};

const ALL_FAULTS: FaultMix = {
  restart: 20,
  clock: 3,
  "wan-address": 4,
  "fail-over": 3,
  outage: 8,
  "server-restart": 6,
  "client-restart": 8,
  idle: 5,
  "rekey-all": 15,
  collision: 8,
  reuse: 4,
  "equal-cookie": 4,
  attack: 12,
};

/** What belongs to ordinary life: somebody has nothing to ask for a while, or all renew at once. */
const NO_FAULTS: FaultMix = { idle: 5, "rekey-all": 10 };

export const PROFILES = {
  mixed: {
    explanation: "everything: all ways of watching, all faults, loss up to 5 %, adversaries",
    clientsMost: 6,
    watched: [30, 30, 20, 20],
    lossPpmMost: 50000,
    isUnruly: true,
    faults: ALL_FAULTS,
    faultEveryMs: 90 * SECOND,
  },
  calm: {
    explanation: "a perfect network, both ends watched, and no fault but renewals",
    clientsMost: 6,
    watched: [100, 0, 0, 0],
    lossPpmMost: 0,
    isUnruly: false,
    faults: NO_FAULTS,
    faultEveryMs: 2 * MINUTE,
  },
  stock: {
    explanation: "nobody runs the watchdog: what our router alone achieves",
    clientsMost: 6,
    watched: [0, 0, 0, 100],
    lossPpmMost: 20000,
    isUnruly: true,
    faults: ALL_FAULTS,
    faultEveryMs: 4 * MINUTE,
  },
  hostile: {
    explanation: "an adversary nearly all the time, and restarts",
    clientsMost: 5,
    watched: [30, 50, 20, 0],
    lossPpmMost: 10000,
    isUnruly: true,
    faults: { attack: 80, restart: 10, "rekey-all": 10 },
    faultEveryMs: 30 * SECOND,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

/**
 * Lives are short, and so are the waits that must fit into them, so that much happens in little time: a minute or two
 * stand for hours in which nothing would. The inequalities between the timers hold all the same.
 */
const NEGOTIATION_MS = 10 * SECOND;
const DRIFT_MS = 200;
const MARGIN_LEAST_MS = 14 * SECOND;
const MARGIN_SPREAD_S = 6;
const LEAD_LEAST_MS = 8 * SECOND;
const LEAD_SPREAD_S = 3;
const FUZZES = [0.75, 1];
const KEYLIFE_LEAST_S = 70;
const KEYLIFE_SPREAD_S = 80;
/** Questions in a keylife. */
const QUESTIONS_LEAST = 5;
const QUESTIONS_SPREAD = 30;
/** How seldom a question is repeated in the end: a stream of packets, a ping, TCP. */
const REPEATS_MS = [2 * SECOND, 10 * SECOND, 30 * SECOND];
const DURATION_LEAST_S = 600;
const DURATION_SPREAD_S = 1200;
const MTU_BYTES = [1500, 1500, 1280, 900];

/** The scenario of a seed. */
export function drawScenario(profile: string, known: Profile, seed: number, nat: NatKind): Scenario {
  const random = new Random(seed);
  for (const _ of $range(1, 3)) random.below(2); // neighbouring seeds begin with neighbouring numbers
  const durationMs = (DURATION_LEAST_S + random.below(DURATION_SPREAD_S)) * SECOND;
  const servers = 1 + random.below(2);
  const count = 2 + random.below(known.clientsMost - 1);
  const style = pickWatching(random, known.watched);
  const clients: ClientPlan[] = [];
  for (const number of $range(0, count - 1)) clients.push(drawClient(random, number, servers, style));
  const link = drawLink(random, known);
  const faults = drawFaults(random, known.faults, known.faultEveryMs, durationMs, count, servers);
  return { profile, seed, nat, durationMs, limits: LIMITS, link, clients, faults };
}

type Watching = "all" | "clients" | "some" | "none";

function pickWatching(random: Random, [all, clients, some]: Profile["watched"]): Watching {
  const drawn = random.below(HUNDRED);
  if (drawn < all) return "all";
  if (drawn < all + clients) return "clients";
  return drawn < all + clients + some ? "some" : "none";
}

function drawClient(random: Random, number: number, servers: number, watching: Watching): ClientPlan {
  const keylifeMs = (KEYLIFE_LEAST_S + random.below(KEYLIFE_SPREAD_S)) * SECOND;
  const isSome = watching === "some" && random.below(2) === 0;
  const version = random.below(2) === 0 ? 1 : 2;
  const plan: ClientPlan = {
    number,
    server: random.below(servers),
    version,
    startMs: random.below(10 * SECOND),
    isClientWatched: watching === "all" || watching === "clients" || isSome,
    isServerWatched: watching === "all" || (watching === "some" && random.below(2) === 0),
    keylifeMs,
    marginMs: MARGIN_LEAST_MS + random.below(MARGIN_SPREAD_S) * SECOND,
    fuzz: FUZZES[random.below(FUZZES.length)],
    negotiationMs: NEGOTIATION_MS,
    ...STANDARD_PINGS,
    leadMs: LEAD_LEAST_MS + random.below(LEAD_SPREAD_S) * SECOND,
    ikeLifeMs: version === 2 && random.below(2) === 0 ? 2 * keylifeMs : undefined,
    deadPeerMs: random.below(2) === 0 ? 30 * SECOND : undefined,
    intervalMs: Math.floor(keylifeMs / (QUESTIONS_LEAST + random.below(QUESTIONS_SPREAD))),
    repeatMostMs: REPEATS_MS[random.below(REPEATS_MS.length)],
    pushPercent: random.below(3) === 0 ? random.below(300) : 0,
  };
  const problems = contradictions(clientParameters(plan), { ...DEFAULT_SURROUNDINGS, driftMs: DRIFT_MS });
  if (problems.length > 0) error(`a drawn client contradicts itself: ${problems.join("; ")}`);
  return plan;
}

function drawLink(random: Random, { lossPpmMost, isUnruly }: Profile): LinkConditions {
  const latencyMs = 5 + random.below(120);
  const lossPpm = lossPpmMost === 0 ? 0 : random.below(lossPpmMost);
  const duplicatePpm = isUnruly ? random.below(5000) : 0;
  const reorderPpm = isUnruly ? random.below(20000) : 0;
  const jitterMs = random.below(Math.floor(latencyMs / 2) + 1);
  return {
    latencyMs,
    jitterMs,
    lossPpm,
    duplicatePpm,
    reorderPpm,
    mtuBytes: MTU_BYTES[random.below(MTU_BYTES.length)],
  };
}
