// SPDX-License-Identifier: GPL-2.0-only
// A scenario as data: who takes part, over what links, and what befalls them. It is all that a run depends on, so a
// scenario written to a file is a run that can be seen again, and one with parts left out is a shorter one.

import type { EpochParameters } from "../../src/epoch/parameters";
import type { Limits } from "../../src/masquerade/limits";
import type { LinkConditions } from "./link";
import type { Memory } from "./nat/nat";
import type { IkeVersion } from "./renewal";

export type NatKind = "vpnmasq" | "hardin" | "conntrack" | "drop-oldest";

/** What one client, its tunnel and its server's side of it are like. */
export interface ClientPlan {
  readonly number: number;
  readonly server: number;
  readonly version: IkeVersion;
  readonly startMs: number;
  /** The watchdog runs at the client, at the server. */
  readonly isClientWatched: boolean;
  readonly isServerWatched: boolean;
  /** As both daemons have them. */
  readonly keylifeMs: number;
  readonly marginMs: number;
  readonly fuzz: number;
  /** How much earlier a watched client rekeys. */
  readonly leadMs: number;
  /** The time that a watched client gives a new IKE session. */
  readonly negotiationMs: number;
  /** Bounds of its wait for the answer to a ping, and pings until a new epoch is given up: they depend on the NAT. */
  readonly pingTimeMinMs: number;
  readonly pingTimeMaxMs: number;
  readonly pingTries: number;
  /** The IKE SA's life; undefined: it is not renewed. */
  readonly ikeLifeMs: number | undefined;
  /** Dead peer detection of both daemons; undefined: none. */
  readonly deadPeerMs: number | undefined;
  /** Between two requests on average, and how many packets the server sends on its own account for each. */
  readonly intervalMs: number;
  /** A question that is not answered is asked again: ever more seldom, but at least so often. */
  readonly repeatMostMs: number;
  readonly pushPercent: number;
}

/** What befalls the site, at a time. */
export type Fault =
  | { readonly kind: "restart"; readonly atMs: number; readonly memory: Memory; readonly downMs: number }
  | { readonly kind: "clock"; readonly atMs: number; readonly byMs: number }
  | { readonly kind: "wan-address"; readonly atMs: number }
  | { readonly kind: "fail-over"; readonly atMs: number }
  | { readonly kind: "outage"; readonly atMs: number; readonly downMs: number }
  | { readonly kind: "server-restart"; readonly atMs: number; readonly server: number; readonly downMs: number }
  | { readonly kind: "client-restart"; readonly atMs: number; readonly client: number }
  | { readonly kind: "idle"; readonly atMs: number; readonly client: number; readonly forMs: number }
  | { readonly kind: "rekey-all"; readonly atMs: number; readonly isServers: boolean }
  /** The client's next incoming SPI is the one that another client of its server uses now. */
  | { readonly kind: "collision"; readonly atMs: number; readonly client: number }
  /** The same with its own. */
  | { readonly kind: "reuse"; readonly atMs: number; readonly client: number }
  /** The next initiator's cookie is one that another client uses. */
  | { readonly kind: "equal-cookie"; readonly atMs: number; readonly client: number }
  | Attack;

export type AttackKind =
  /** A client of the LAN sends ESP with ever new SPIs, or IKE with ever new cookies. */
  | "spi-flood"
  | "cookie-flood"
  /** It opens an epoch that is never answered, again and again, to keep the turn. */
  | "squat"
  /** Somebody outside sends ESP, or IKE, that claims to come from the server. */
  | "spoofed-esp"
  | "spoofed-ike";

export interface Attack {
  readonly kind: AttackKind;
  readonly atMs: number;
  readonly forMs: number;
  readonly perSecond: number;
  readonly server: number;
}

export interface Scenario {
  readonly profile: string;
  readonly seed: number;
  readonly nat: NatKind;
  readonly durationMs: number;
  readonly limits: Partial<Limits>;
  readonly link: LinkConditions;
  readonly clients: readonly ClientPlan[];
  readonly faults: readonly Fault[];
}

/** The watchdog's timers that do not follow from the daemons': the endpoint's standard ones (docs/configuration.md). */
const WATCH_TIMERS = {
  ignoresServerRekey: false,
  maxIdleMs: 10000,
  trafficIdleMs: 500,
  probeTries: 5,
  rekeyMs: 5000,
} as const;

/** The standard waits, which fit our own router's Tout and Nout. */
export const STANDARD_PINGS = { pingTimeMinMs: 250, pingTimeMaxMs: 1000, pingTries: 6 } as const;

/** libreswan keeps an old epoch for a second (IKEv2) or to its end (IKEv1); data leaves it a little before. */
const OLD_EPOCH_V2_MS = 800;

export function clientParameters(plan: ClientPlan): EpochParameters {
  const { keylifeMs, marginMs, fuzz, leadMs, negotiationMs, version } = plan;
  const { pingTimeMinMs, pingTimeMaxMs, pingTries } = plan;
  const pings = { pingTimeMinMs, pingTimeMaxMs, pingTries };
  const oldEpochMs = version === 1 ? keylifeMs : OLD_EPOCH_V2_MS;
  const daemons = { keylifeMs, marginMs, fuzz, clientLeadMs: leadMs, negotiationMs, oldEpochMs };
  return { role: "client", ...daemons, ...pings, ...WATCH_TIMERS };
}

export function serverParameters(plan: ClientPlan): EpochParameters {
  return { ...clientParameters(plan), role: "server", clientLeadMs: 0 };
}
