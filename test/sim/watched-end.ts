// SPDX-License-Identifier: GPL-2.0-only
// The watchdog at one end of a tunnel: the shipped machine (src/epoch), told what the kernel would tell it, and obeyed.
//
// In operation it looks ten times a second. Here it does so while anything is in doubt; while all is well it looks when
// the machine says that something is due, and seldom besides.

import type { Evidence } from "../../src/epoch/ladder";
import { type Order, Tunnel } from "../../src/epoch/tunnel";
import type { EpochParameters } from "../../src/epoch/parameters";
import type { Random } from "../spec/random";
import type { EventQueue } from "./event-queue";
import type { Peer, PeerEpoch } from "./peer";

/** One tunnel a host, whose way out is the LAN: nothing is known beyond the tunnel. */
const NOTHING_KNOWN: Evidence = {
  isWanUp: true,
  serverAnswers: "unknown",
  othersAlive: 0,
  othersDead: 0,
  hasWayChanged: false,
};

const TICK_MS = 100;
/** While an outage lasts and only its ladder and the slower pings go on: "a few times a second" is what the machine asks. */
const OUTAGE_TICK_MS = 300;
/** Looks at an SA's counters are so far apart at a client (LOOK_FOR_SILENCE_MS of src/app/endpoint.ts). */
const LOOK_MS = 250;
/** Of a keylife: looks of a machine that is content. It renews later by one of them at most, which its lead allows. */
const QUIET_LOOKS = 30;
const MILLION = 1000000;
const PING_BYTES = 120;

export class WatchedEnd {
  readonly machine: Tunnel;
  /** After an order: until then it is watched closely. */
  private closelyUntilMs = 0;
  private run = 0;
  private plannedMs = Infinity;
  private isLookPlanned = false;
  private lastInMs = 0;
  private isReporting = false;

  /** @param onPlaced what was held may go */
  constructor(
    private readonly peer: Peer,
    private readonly parameters: EpochParameters,
    private readonly queue: EventQueue,
    random: Random,
    private readonly onPlaced: (this: void) => void,
    private readonly note: (this: void, text: string) => void,
  ) {
    this.machine = new Tunnel(`tunnel ${peer.tunnel}`, parameters, () => random.below(MILLION) / MILLION);
  }

  start(): void {
    this.tick(this.run);
  }

  /** The epoch that carries data; undefined: it is held. */
  dataEpoch(): PeerEpoch | undefined {
    const { data } = this.machine.placement(this.queue.nowMs);
    return data === "hold" ? undefined : this.peerEpoch(data.outSpi);
  }

  appeared({ outSpi, inSpi }: PeerEpoch): void {
    this.catchUp();
    this.closelyUntilMs = 0;
    const [out, inward] = this.peer.isClient ? [outSpi, inSpi] : [inSpi, outSpi];
    this.obey(this.machine.epochAppeared(out, inward, this.queue.nowMs));
    this.plan();
  }

  gone({ outSpi, inSpi }: PeerEpoch): void {
    this.catchUp();
    this.obey(this.machine.epochGone(this.peer.isClient ? outSpi : inSpi, this.queue.nowMs));
    this.plan();
  }

  /** A packet came in on an epoch. */
  heard({ outSpi, inSpi }: PeerEpoch): void {
    this.lastInMs = this.queue.nowMs;
    const { state } = this.machine;
    this.obey(this.machine.inboundSeen(this.peer.isClient ? inSpi : outSpi, this.queue.nowMs));
    if (state !== this.machine.state) this.plan();
  }

  /** Data went out: if nothing comes in until the next look, that is a sign. */
  sent(epoch: PeerEpoch): void {
    if (this.isLookPlanned || !this.peer.isClient) return;
    this.isLookPlanned = true;
    this.queue.after(LOOK_MS, this.look, epoch);
  }

  private readonly look: (this: void, epoch: PeerEpoch) => void = (epoch) => {
    this.isLookPlanned = false;
    if (this.queue.nowMs - this.lastInMs < LOOK_MS) return;
    this.machine.outboundUnanswered(epoch.outSpi);
    this.catchUp();
    this.plan();
  };

  /** The machine is never surprised by an event after a long pause: it looks before it is told. */
  private catchUp(): void {
    if (!this.isReporting) this.obey(this.machine.tick(this.queue.nowMs, NOTHING_KNOWN));
  }

  private plan(): void {
    const atMs = this.nextMs();
    if (atMs >= this.plannedMs && this.plannedMs > this.queue.nowMs) return;
    this.plannedMs = atMs;
    this.run += 1;
    this.queue.at(atMs, this.tick, this.run);
  }

  private nextMs(): number {
    const { nowMs } = this.queue;
    const { machine } = this;
    const isQuiet = machine.state === "up" && nowMs >= this.closelyUntilMs;
    const isOutage = machine.state === "recovering" || machine.state === "down";
    if (!isQuiet && this.peer.isClient) return nowMs + (isOutage ? OUTAGE_TICK_MS : TICK_MS);
    if (machine.state === "confirming") return nowMs + TICK_MS;
    const laterMs = nowMs + this.parameters.keylifeMs / QUIET_LOOKS;
    const dueMs = machine.nextStep?.atMs ?? laterMs;
    return Math.max(nowMs + TICK_MS, Math.min(laterMs, dueMs));
  }

  private readonly tick: (this: void, run: number) => void = (run) => {
    if (run !== this.run) return;
    this.plannedMs = Infinity;
    this.obey(this.machine.tick(this.queue.nowMs, NOTHING_KNOWN));
    this.plan();
  };

  /** Orders may make events at once, whose orders come after these. */
  private obey(orders: readonly Order[]): void {
    const wasReporting = this.isReporting;
    this.isReporting = true;
    for (const order of orders) this.carryOut(order);
    this.isReporting = wasReporting;
    if (this.machine.placement(this.queue.nowMs).data !== "hold") this.onPlaced();
  }

  private carryOut(order: Order): void {
    if (order.kind === "tell") {
      this.note(`watchdog: ${order.state}, ${order.text}`);
    } else if (order.kind === "ping") {
      const epoch = this.peerEpoch(order.epoch.outSpi);
      if (epoch !== undefined) this.peer.sendOn(epoch, "request", PING_BYTES, -1);
    } else {
      this.closelyUntilMs = this.queue.nowMs + this.parameters.negotiationMs + TICK_MS;
      this.note(`watchdog: ${order.kind}, ${order.because}`);
      if (order.kind === "new-ike") this.peer.restartSession();
      else this.peer.renew();
    }
  }

  /** @param outSpi as this end sees it */
  private peerEpoch(outSpi: number): PeerEpoch | undefined {
    const { epochs, isClient } = this.peer;
    for (const epoch of epochs) {
      if ((isClient ? epoch.outSpi : epoch.inSpi) === outSpi) return epoch;
    }
    return undefined;
  }
}
