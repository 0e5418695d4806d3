// SPDX-License-Identifier: GPL-2.0-only
// A tunnel in a small world: a clock, a network that answers pings or does not, an IKE daemon that obeys or does not.

import type { Evidence } from "../../../src/epoch/ladder";
import type { EpochParameters } from "../../../src/epoch/parameters";
import { type Epoch, type Order, type Placement, Tunnel } from "../../../src/epoch/tunnel";
import { Random } from "../random";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** FreeS/WAN's keylife, margin and fuzz; waits that fit a NAT with Tout 4 s. The old epoch dies after a second. */
export const CLIENT: EpochParameters = {
  role: "client",
  keylifeMs: 480 * MINUTE,
  marginMs: 9 * MINUTE,
  fuzz: 1,
  clientLeadMs: MINUTE,
  ignoresServerRekey: false,
  maxIdleMs: 10 * SECOND,
  trafficIdleMs: SECOND,
  pingTimeMinMs: SECOND,
  pingTimeMaxMs: 4 * SECOND,
  pingTries: 7,
  probeTries: 5,
  oldEpochMs: 900,
  rekeyMs: 5 * SECOND,
  negotiationMs: 30 * SECOND,
};

export const SERVER: EpochParameters = { ...CLIENT, role: "server", clientLeadMs: 0 };

const FINE: Evidence = {
  isWanUp: true,
  serverAnswers: "unknown",
  othersAlive: 0,
  othersDead: 0,
  hasWayChanged: false,
};

/** What is under way: an answer, or the end of a negotiation. */
interface Arrival {
  readonly atMs: number;
  readonly happen: () => void;
}

export interface Event {
  readonly atMs: number;
  readonly order: Order;
}

/** No incoming SPI is an outgoing one, too. */
export function inSpiOf(spi: number): number {
  return 1000000 + spi;
}

export class TunnelRun {
  nowMs = 1000;
  tickMs = 100;
  evidence: Evidence = FINE;
  /** Everything that was ordered. */
  readonly events: Event[] = [];
  readonly tunnel: Tunnel;
  readonly random: Random;

  /** Whether the pings of an epoch are answered, and after how long. */
  answers: (epoch: Epoch) => boolean = () => true;
  roundTripMs = 20;
  /** Share of pings whose request or answer is lost. */
  lossShare = 0;

  /** How long the IKE daemon takes for an order; undefined: it does nothing. */
  daemonMs: number | undefined = 500;
  /** How long the IKE daemon keeps the old epoch after a rekey. */
  oldEpochMs = 1000;

  private arrivals: Arrival[] = [];
  private nextSpi = 1;

  constructor(parameters: Partial<EpochParameters> = {}, seed = 1) {
    this.random = new Random(seed);
    const all: EpochParameters = { ...CLIENT, ...parameters };
    this.tunnel = new Tunnel("office", all, () => this.random.below(1000000) / 1000000);
  }

  /** The kernel gets a new epoch; gives its number, which is its outgoing SPI. */
  appear(): number {
    const spi = this.nextSpi;
    this.nextSpi += 1;
    this.take(this.tunnel.epochAppeared(spi, inSpiOf(spi), this.nowMs));
    return spi;
  }

  vanish(spi: number): void {
    this.take(this.tunnel.epochGone(spi, this.nowMs));
  }

  hear(spi: number): void {
    this.take(this.tunnel.inboundSeen(inSpiOf(spi), this.nowMs));
  }

  /** Packets went out on an epoch, and none came in. */
  sendInVain(spi: number): void {
    this.tunnel.outboundUnanswered(spi);
  }

  /** Makes something happen later. */
  after(delayMs: number, happen: () => void): void {
    this.arrivals.push({ atMs: this.nowMs + delayMs, happen });
  }

  /** Lets time pass. */
  wait(spanMs: number): void {
    const endMs = this.nowMs + spanMs;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + this.tickMs);
      this.arrive();
      this.take(this.tunnel.tick(this.nowMs, this.evidence));
    }
  }

  /** The process stands still. */
  sleep(spanMs: number): void {
    this.nowMs += spanMs;
  }

  /** A tunnel with one epoch that was answered. */
  bringUp(): number {
    const spi = this.appear();
    this.wait(1000);
    if (this.tunnel.state !== "up") error(`the first epoch left the tunnel ${this.tunnel.state}`);
    return spi;
  }

  placement(): Placement {
    return this.tunnel.placement(this.nowMs);
  }

  /** The number of the epoch that carries data. */
  data(): number | "hold" {
    const { data } = this.placement();
    return data === "hold" ? data : data.outSpi;
  }

  count(kind: Order["kind"], sinceMs = 0): number {
    return this.events.filter(({ order, atMs }) => order.kind === kind && atMs >= sinceMs).length;
  }

  /** Orders to the IKE daemon, in order. */
  actions(sinceMs = 0): Event[] {
    return this.events.filter(({ order, atMs }) => order.kind !== "ping" && order.kind !== "tell" && atMs >= sinceMs);
  }

  actionNames(): string {
    return this.actions()
      .map(({ order }) => order.kind)
      .join(" ");
  }

  pingTimes(sinceMs = 0): number[] {
    return this.events.filter(({ order, atMs }) => order.kind === "ping" && atMs >= sinceMs).map(({ atMs }) => atMs);
  }

  private take(orders: readonly Order[]): void {
    for (const order of orders) {
      this.events.push({ atMs: this.nowMs, order });
      if (order.kind === "ping") this.ping(order.epoch);
      else if (order.kind !== "tell") this.obey(order.kind);
    }
  }

  private ping(epoch: Epoch): void {
    const isLost = this.random.below(10000) < this.lossShare * 10000;
    if (isLost || !this.answers(epoch)) return;
    this.after(this.roundTripMs, () => {
      this.take(this.tunnel.inboundSeen(epoch.inSpi, this.nowMs));
    });
  }

  private obey(action: "rekey" | "initiate" | "new-ike"): void {
    if (this.daemonMs === undefined) return;
    const old = this.tunnel.epochs().map((epoch) => epoch.outSpi);
    if (action === "new-ike")
      this.after(0, () => {
        for (const spi of old) this.vanish(spi);
      });
    this.after(this.daemonMs, () => {
      this.appear();
    });
    this.after(this.daemonMs + this.oldEpochMs, () => {
      for (const spi of old) this.vanish(spi);
    });
  }

  private arrive(): void {
    const due = this.arrivals.filter(({ atMs }) => atMs <= this.nowMs);
    this.arrivals = this.arrivals.filter(({ atMs }) => atMs > this.nowMs);
    for (const { happen } of due) happen();
  }
}
