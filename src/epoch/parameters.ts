// SPDX-License-Identifier: GPL-2.0-only
// The timers of an endpoint and the inequalities between them.
//
// Names and inequalities are those of draft-brustoloni-vma-00 ("VPN Masquerade Assist"): clientlead, maxidle, pingtime,
// pingtries beside the IKE daemon's keylife, margin and fuzz. Values that contradict each other do not fail at once but
// in the one race they were meant to win, so they are refused at the start.

export type Role = "client" | "server";

export interface EpochParameters {
  readonly role: Role;
  /** How long an epoch may be used, as the IKE daemon is told. */
  readonly keylifeMs: number;
  /** How long before its end a daemon replaces it. */
  readonly marginMs: number;
  /** By which share of the margin that moment varies at random. */
  readonly fuzz: number;
  /** How much earlier the client does so than the server. 0 on a server. */
  readonly clientLeadMs: number;
  /**
   * The draft's alternative to a lead: a client does not follow to an epoch that it has not asked for while the old one
   * works, and asks for one itself. Only for a daemon that is told not to rekey on its own account (`rekey=no`).
   */
  readonly ignoresServerRekey: boolean;
  /** A tunnel on which nothing came in for this long is pinged. */
  readonly maxIdleMs: number;
  /** The same while packets go out: what is sent is usually answered. */
  readonly trafficIdleMs: number;
  /** The wait for an answer before a ping is sent again: measured, but within these bounds. */
  readonly pingTimeMinMs: number;
  readonly pingTimeMaxMs: number;
  /** Unanswered pings after which a new epoch is given up. */
  readonly pingTries: number;
  /** The same for one that was answered before, which the NAT makes wait for nobody. */
  readonly probeTries: number;
  /** How long an old epoch lives on after its successor is installed: the IKE daemon's habit. */
  readonly oldEpochMs: number;
  /** How long a rekey takes in an IKE session that works; after it, the session is taken for dead. */
  readonly rekeyMs: number;
  /** How long the daemon may take for a new IKE session: Tneg of the draft. */
  readonly negotiationMs: number;
}

/** What the network and the NAT in between are taken to be like. */
export interface Surroundings {
  /** Tout of the NAT: how long it keeps an unanswered ESP item. */
  readonly natOutstandingMs: number;
  /** Nout of the NAT: packets that such an item may send while others wait. */
  readonly natOutstandingSends: number;
  /** Tei of the NAT: how long it keeps an idle ESP item. */
  readonly natIdleMs: number;
  /** Other tunnels whose unanswered pings a ping must survive. */
  readonly otherTunnels: number;
  /** How far the peers' clocks drift apart in one keylife. */
  readonly driftMs: number;
  /** How long a packet takes at most. */
  readonly latencyMs: number;
}

/**
 * VPN Masquerade's figures for our own router (src/masquerade/limits.ts) with four other tunnels, the daemons' drift
 * bounded by a second an hour, and a satellite link's latency.
 */
export const DEFAULT_SURROUNDINGS: Surroundings = {
  natOutstandingMs: 1000,
  natOutstandingSends: 4,
  natIdleMs: 3600000,
  otherTunnels: 4,
  driftMs: 8000,
  latencyMs: 1000,
};

type Unit = "ms" | "tunnels" | "pings" | "";

interface Inequality {
  /** As the draft writes it. */
  readonly text: string;
  readonly left: number;
  readonly relation: ">" | ">=" | "<" | "<=" | "=";
  readonly right: number;
  /** Of both sides. */
  readonly unit: Unit;
  readonly why: string;
}

/** Every inequality that does not hold, with its numbers and what would go wrong; empty when all hold. */
export function contradictions(parameters: EpochParameters, surroundings: Surroundings): string[] {
  return inequalities(parameters, surroundings)
    .filter((inequality) => !holds(inequality))
    .map((inequality) => describe(inequality));
}

function describe({ text, left, relation, right, unit, why }: Inequality): string {
  const numbers = `${withUnit(left, unit)} ${relation} ${withUnit(right, unit)}`;
  return `${text} does not hold: ${numbers} is false; ${why}`;
}

/** Plain decimals: eight hours in milliseconds are not to be read as 2.88e+07. */
function withUnit(value: number, unit: Unit): string {
  const isWhole = value === Math.floor(value);
  const digits = isWhole ? string.format("%.0f", value) : string.format("%.2f", value);
  return unit === "" ? digits : `${digits} ${unit}`;
}

function inequalities(parameters: EpochParameters, surroundings: Surroundings): Inequality[] {
  const { role, keylifeMs, marginMs, fuzz, clientLeadMs, negotiationMs } = parameters;
  const { driftMs, latencyMs } = surroundings;
  const everywhere: Inequality[] = [
    {
      text: "fuzz >= 0",
      left: fuzz,
      relation: ">=",
      right: 0,
      unit: "",
      why: "an epoch would be replaced later than its margin allows",
    },
    {
      text: "keylife > (1 + fuzz) * (margin + clientlead)",
      left: keylifeMs,
      relation: ">",
      right: (1 + fuzz) * (marginMs + clientLeadMs),
      unit: "ms",
      why: "an epoch would be replaced before it began",
    },
    {
      text: "margin > drift + negotiation + latency",
      left: marginMs,
      relation: ">",
      right: driftMs + negotiationMs + latencyMs,
      unit: "ms",
      why: "the epoch would end before its successor is there",
    },
  ];
  if (role === "server") return [...everywhere, noLead(clientLeadMs)];
  return [...everywhere, ...pings(parameters, surroundings), ...leads(parameters, surroundings)];
}

function noLead(clientLeadMs: number): Inequality {
  return {
    text: "clientlead = 0 on a server",
    left: clientLeadMs,
    relation: "=",
    right: 0,
    unit: "ms",
    why: "the lead is the client's, and a server that takes it rekeys first",
  };
}

/** What lets a ping reach its answer through a NAT that serves one unanswered tunnel at a time. */
function pings(parameters: EpochParameters, surroundings: Surroundings): Inequality[] {
  const { maxIdleMs, trafficIdleMs, pingTimeMinMs, pingTimeMaxMs, pingTries, rekeyMs, negotiationMs } = parameters;
  const { natOutstandingMs, natOutstandingSends, natIdleMs, otherTunnels } = surroundings;
  return [
    {
      text: "pingtries >= 1",
      left: pingTries,
      relation: ">=",
      right: 1,
      unit: "pings",
      why: "no epoch would ever be confirmed",
    },
    {
      text: "shortest pingtime <= longest pingtime",
      left: pingTimeMinMs,
      relation: "<=",
      right: pingTimeMaxMs,
      unit: "ms",
      why: "no time lies between these bounds",
    },
    {
      text: "rekeytime <= negotiation",
      left: rekeyMs,
      relation: "<=",
      right: negotiationMs,
      unit: "ms",
      why: "a rekey is the shorter part of a negotiation",
    },
    {
      text: "maxidle < Tei",
      left: maxIdleMs,
      relation: "<",
      right: natIdleMs,
      unit: "ms",
      why: "the NAT would forget an idle tunnel between two pings",
    },
    {
      text: "trafficidle <= maxidle",
      left: trafficIdleMs,
      relation: "<=",
      right: maxIdleMs,
      unit: "ms",
      why: "a busy tunnel's silence would be noticed later than an idle one's",
    },
    {
      text: "pingtime >= Tout / Nout",
      left: pingTimeMinMs,
      relation: ">=",
      right: natOutstandingMs / natOutstandingSends,
      unit: "ms",
      why: "the NAT would take the pings for a flood while others wait",
    },
    {
      text: "pingtime * pingtries / Tout > other tunnels",
      left: shortestPingingMs(parameters) / natOutstandingMs,
      relation: ">",
      right: otherTunnels,
      unit: "tunnels",
      why: "the epoch would be given up before the NAT gives this tunnel its turn",
    },
  ];
}

/** What makes the client replace an epoch before the server does, and be confirmed before the old one ends. */
function leads(parameters: EpochParameters, surroundings: Surroundings): Inequality[] {
  const { marginMs, fuzz, clientLeadMs, negotiationMs } = parameters;
  const { driftMs, latencyMs } = surroundings;
  const confirmed: Inequality = {
    text: "clientlead + fuzz * margin > drift + negotiation + pingtime * pingtries",
    left: clientLeadMs + fuzz * marginMs,
    relation: ">",
    right: driftMs + negotiationMs + longestPingingMs(parameters),
    unit: "ms",
    why: "the old epoch could end before the new one is confirmed",
  };
  if (parameters.ignoresServerRekey) return [confirmed];
  const first: Inequality = {
    text: "clientlead > drift + latency",
    left: clientLeadMs,
    relation: ">",
    right: driftMs + latencyMs,
    unit: "ms",
    why: "the server could rekey first",
  };
  return [first, confirmed];
}

function holds({ left, relation, right }: Inequality): boolean {
  switch (relation) {
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case "=":
      return left === right;
  }
}

/** From the first ping of an epoch to its giving up, on the fastest network: every wait doubles up to the longest. */
export function shortestPingingMs({ pingTimeMinMs, pingTimeMaxMs, pingTries }: EpochParameters): number {
  let totalMs = 0;
  let waitMs = pingTimeMinMs;
  for (let attempt = 1; attempt <= pingTries; attempt++) {
    totalMs += Math.min(waitMs, pingTimeMaxMs);
    waitMs *= 2;
  }
  return totalMs;
}

/** The same on the slowest. */
export function longestPingingMs({ pingTimeMaxMs, pingTries }: EpochParameters): number {
  return pingTimeMaxMs * pingTries;
}

/**
 * When the holder of an epoch that began at `sinceMs` asks for its successor: uniformly in the draft's interval for its
 * role. The client's ends by clientlead before the server's begins.
 * @param random 0 … 1
 */
export function rekeyAtMs(parameters: EpochParameters, sinceMs: number, random: number): number {
  const { role, keylifeMs, marginMs, fuzz, clientLeadMs } = parameters;
  const serverEarliestMs = sinceMs + keylifeMs - (1 + fuzz) * marginMs;
  if (role === "server") return serverEarliestMs + random * fuzz * marginMs;
  const latestMs = serverEarliestMs - clientLeadMs;
  return latestMs - random * fuzz * clientLeadMs;
}

/** Until when a server that heard nothing on the successor sends on an epoch that began at `sinceMs`. */
export function switchByMs({ keylifeMs, marginMs }: EpochParameters, sinceMs: number): number {
  return sinceMs + keylifeMs - marginMs;
}
