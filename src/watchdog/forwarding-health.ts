// SPDX-License-Identifier: GPL-2.0-only
// Whether the router truly forwards, measured: what its rings hold and take, what the kernel sends, and where packets
// end. Pure: looks are handed in, and a verdict with a reason comes back.
//
// A verdict "wedged" makes others restart the router, so it needs proof that lasted: packets that wait while none is
// taken, or a link that is up and takes nothing of what is handed over. What a restart does not bring back, a cable or
// an address, is "degraded". No traffic at all proves nothing and is no fault.

import type { HealthState } from "../heartbeat/heartbeat";

/** What is seen of one interface at one look; numbers count since its ring was opened. */
export interface SideLook {
  readonly isPresent: boolean;
  readonly isUp: boolean;
  /** Its ring is open. */
  readonly isOpen: boolean;
  /** The kernel has put a frame into the ring that nobody took yet. */
  readonly isFrameWaiting: boolean;
  readonly framesTaken: number;
  /** Frames that the kernel took from us, and that it had no room for or refused. */
  readonly framesSent: number;
  readonly framesRefused: number;
}

export interface Look {
  readonly lan: SideLook;
  readonly wan: SideLook;
  readonly hasWanAddress: boolean;
  /** The kernel is kept off our packets, by us or by somebody else. */
  readonly isKernelKeptOff: boolean;
  /** Packets that found no next hop, since the start. */
  readonly unroutable: number;
}

const REASONS = {
  none: { state: "ok", meaning: "forwarding" },
  "lan-stuck": { state: "wedged", meaning: "packets wait in the LAN's ring and none is taken" },
  "wan-stuck": { state: "wedged", meaning: "packets wait in the WAN's ring and none is taken" },
  "lan-refuses": { state: "wedged", meaning: "the LAN is up, but the kernel sends none of our packets there" },
  "wan-refuses": { state: "wedged", meaning: "the WAN is up, but the kernel sends none of our packets there" },
  "wan-absent": { state: "degraded", meaning: "there is no WAN interface" },
  "wan-down": { state: "degraded", meaning: "the WAN interface is down, or has no carrier" },
  "wan-no-address": { state: "degraded", meaning: "the WAN interface has no IPv4 address" },
  "wan-no-next-hop": { state: "degraded", meaning: "packets find no way on: no route, or its next hop is silent" },
  "lan-absent": { state: "degraded", meaning: "there is no LAN interface" },
  "lan-down": { state: "degraded", meaning: "the LAN interface is down, or has no carrier" },
  "no-ring": { state: "degraded", meaning: "an interface is up, but its packets cannot be had; the log says why" },
  "kernel-rules": { state: "degraded", meaning: "the kernel is not kept off our packets; the log says why" },
} as const satisfies Record<string, { state: HealthState; meaning: string }>;

export type HealthReason = keyof typeof REASONS;

export interface Health {
  readonly state: HealthState;
  readonly reason: HealthReason;
  /** The reason as a sentence's end. */
  readonly meaning: string;
}

/** How long packets wait untaken: far beyond the longest burst of work, a restore of a full table at 0.3 s. */
const STUCK_MS = 3000;
/** How long a link that is up may refuse everything: drivers need seconds to reset a hung transmitter. */
const REFUSED_MS = 10_000;
/** How long packets find no next hop before it counts: an ARP entry takes 3 s to fail. */
const UNROUTABLE_MS = 10_000;
/** Looks that must have seen failures: one burst is no proof. */
const FAILING_LOOKS_MIN = 3;

/** Something that fails each time it is tried, over some time. */
class Failing {
  private successes = 0;
  private failures = 0;
  private looks = 0;
  private firstMs = 0;
  private lastMs = 0;

  /** @param successes counted since some moment, as `failures` are; a new ring counts from 0 */
  look(successes: number, failures: number, nowMs: number): void {
    if (successes !== this.successes || failures < this.failures) this.looks = 0;
    else if (failures > this.failures) this.note(nowMs);
    this.successes = successes;
    this.failures = failures;
  }

  /** Whether it failed in several looks, the last of them so long after the first, and never succeeded in between. */
  hasLasted(forMs: number): boolean {
    return this.looks >= FAILING_LOOKS_MIN && this.lastMs - this.firstMs >= forMs;
  }

  forget(): void {
    this.looks = 0;
  }

  private note(nowMs: number): void {
    if (this.looks === 0) this.firstMs = nowMs;
    this.looks += 1;
    this.lastMs = nowMs;
  }
}

/** What one side's looks add up to. */
class SideHistory {
  private readonly sending = new Failing();
  private stuckSinceMs: number | undefined;
  private last: SideLook | undefined;

  look(side: SideLook, nowMs: number): void {
    const last = this.last;
    this.last = side;
    const isUntaken = side.isFrameWaiting && last?.isFrameWaiting === true && side.framesTaken === last.framesTaken;
    this.stuckSinceMs = isUntaken ? (this.stuckSinceMs ?? nowMs) : undefined;
    this.sending.look(side.framesSent, side.framesRefused, nowMs);
    // A link that is down refuses rightly.
    if (!side.isUp) this.sending.forget();
  }

  isStuck(nowMs: number): boolean {
    return this.stuckSinceMs !== undefined && nowMs - this.stuckSinceMs >= STUCK_MS;
  }

  refuses(): boolean {
    return this.sending.hasLasted(REFUSED_MS);
  }
}

export class ForwardingHealth {
  private readonly lan = new SideHistory();
  private readonly wan = new SideHistory();
  private readonly routing = new Failing();
  private reason: HealthReason = "none";

  /** Looks once; call about once a second. */
  look(look: Look, nowMs: number): void {
    this.lan.look(look.lan, nowMs);
    this.wan.look(look.wan, nowMs);
    this.routing.look(look.wan.framesSent, look.unroutable, nowMs);
    this.reason = this.wedge(nowMs) ?? this.lack(look) ?? "none";
  }

  present(): Health {
    return { ...REASONS[this.reason], reason: this.reason };
  }

  private wedge(nowMs: number): HealthReason | undefined {
    if (this.lan.isStuck(nowMs)) return "lan-stuck";
    if (this.wan.isStuck(nowMs)) return "wan-stuck";
    if (this.wan.refuses()) return "wan-refuses";
    return this.lan.refuses() ? "lan-refuses" : undefined;
  }

  private lack({ lan, wan, hasWanAddress, isKernelKeptOff }: Look): HealthReason | undefined {
    if (!wan.isPresent) return "wan-absent";
    if (!wan.isUp) return "wan-down";
    if (!hasWanAddress) return "wan-no-address";
    if (!lan.isPresent) return "lan-absent";
    if (!lan.isUp) return "lan-down";
    if (!lan.isOpen || !wan.isOpen) return "no-ring";
    if (!isKernelKeptOff) return "kernel-rules";
    return this.routing.hasLasted(UNROUTABLE_MS) ? "wan-no-next-hop" : undefined;
  }
}
