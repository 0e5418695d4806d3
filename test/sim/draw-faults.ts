// SPDX-License-Identifier: GPL-2.0-only
// Faults drawn at random, by the weights of a profile.

import type { Random } from "../spec/random";
import type { Memory } from "./nat/nat";
import type { Attack, AttackKind, Fault } from "./plan";
import { waitingTime } from "./requests";

/** How often each kind befalls a site, in proportion; an attack is one of all kinds. */
export type FaultMix = Readonly<Partial<Record<Exclude<Fault["kind"], AttackKind> | "attack", number>>>;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MEMORIES: readonly Memory[] = ["journal", "journal", "torn", "flash", "none"];
/** Nothing befalls a site before its tunnels are there. */
const FIRST_FAULT_MS = 30 * SECOND;
/** In the order in which weights are looked at: a map's own order is not the same everywhere. */
const KINDS = [
  ...["restart", "clock", "wan-address", "fail-over", "outage", "server-restart", "client-restart", "idle"],
  ...["rekey-all", "collision", "reuse", "equal-cookie", "attack"],
] as const as readonly (keyof FaultMix)[];
const ATTACKS: readonly AttackKind[] = ["spi-flood", "cookie-flood", "squat", "spoofed-esp", "spoofed-ike"];

/** A mean gap between faults, but in bursts: half of all follow the one before within seconds. */
export function drawFaults(
  random: Random,
  mix: FaultMix,
  everyMs: number,
  durationMs: number,
  clients: number,
  servers: number,
): Fault[] {
  const faults: Fault[] = [];
  let atMs = FIRST_FAULT_MS + Math.floor(waitingTime(random, everyMs));
  while (atMs < durationMs) {
    faults.push(drawFault(random, pickKind(random, mix), atMs, clients, servers));
    const isBurst = random.below(2) === 0;
    atMs += 1 + Math.floor(waitingTime(random, isBurst ? 5 * SECOND : 2 * everyMs));
  }
  return faults;
}

function pickKind(random: Random, mix: FaultMix): keyof FaultMix {
  let total = 0;
  for (const kind of KINDS) total += mix[kind] ?? 0;
  let left = random.below(total);
  for (const kind of KINDS) {
    left -= mix[kind] ?? 0;
    if (left < 0) return kind;
  }
  return "restart";
}

function drawFault(random: Random, kind: keyof FaultMix, atMs: number, clients: number, servers: number): Fault {
  const server = random.below(servers);
  const client = random.below(clients);
  switch (kind) {
    case "restart":
      return { kind, atMs, memory: MEMORIES[random.below(MEMORIES.length)], downMs: 100 + random.below(10 * SECOND) };
    case "clock":
      return { kind, atMs, byMs: (random.below(2 * 86400) - 86400) * SECOND };
    case "outage":
      return { kind, atMs, downMs: 100 + random.below(MINUTE) };
    case "server-restart":
      return { kind, atMs, server, downMs: SECOND + random.below(20 * SECOND) };
    case "idle":
      return { kind, atMs, client, forMs: random.below(2 * MINUTE) };
    case "rekey-all":
      return { kind, atMs, isServers: random.below(3) === 0 };
    case "wan-address":
    case "fail-over":
      return { kind, atMs };
    case "attack":
      return drawAttack(random, atMs, server);
    default:
      return { kind, atMs, client };
  }
}

function drawAttack(random: Random, atMs: number, server: number): Attack {
  const kind = ATTACKS[random.below(ATTACKS.length)];
  const perSecond = kind === "squat" ? 1 + random.below(3) : 5 + random.below(100);
  return { kind, atMs, forMs: SECOND + random.below(20 * SECOND), perSecond, server };
}
