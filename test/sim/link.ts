// SPDX-License-Identifier: GPL-2.0-only
// The way between the router and the servers, one direction of it: it delays, loses, doubles and overtakes.

import type { Random } from "../spec/random";
import type { EventQueue } from "./event-queue";
import type { Packet } from "./packet";

export interface LinkConditions {
  readonly latencyMs: number;
  /** A packet takes up to so much longer than the latency. */
  readonly jitterMs: number;
  /** Of a million packets, those that are lost, that arrive twice, and that others overtake. */
  readonly lossPpm: number;
  readonly duplicatePpm: number;
  readonly reorderPpm: number;
  /** ESP must not be fragmented: packets longer than this are lost. */
  readonly mtuBytes: number;
}

const MILLION = 1000000;
/** A packet that is overtaken comes later by up to so many latencies. */
const OVERTAKEN_LATENCIES = 3;

export class Link {
  /** While it is down, everything is lost. */
  isUp = true;
  private lastArrivalMs = 0;

  /** @param arrive gets each packet that arrives, at its time */
  constructor(
    private readonly queue: EventQueue,
    private readonly random: Random,
    private readonly conditions: LinkConditions,
    private readonly arrive: (this: void, packet: Packet) => void,
  ) {}

  carry(packet: Packet): void {
    const { lossPpm, duplicatePpm, mtuBytes } = this.conditions;
    const isLost = lossPpm > 0 && this.random.below(MILLION) < lossPpm;
    if (!this.isUp || isLost || (packet.kind === "esp" && packet.lengthBytes > mtuBytes)) return;
    this.plan(packet);
    if (duplicatePpm > 0 && this.random.below(MILLION) < duplicatePpm) this.plan(packet);
  }

  private plan(packet: Packet): void {
    const { latencyMs, jitterMs, reorderPpm } = this.conditions;
    const delayMs = latencyMs + (jitterMs > 0 ? this.random.below(jitterMs + 1) : 0);
    if (reorderPpm > 0 && this.random.below(MILLION) < reorderPpm) {
      this.queue.after(delayMs + this.random.below(OVERTAKEN_LATENCIES * latencyMs + 1), this.arrive, packet);
      return;
    }
    this.lastArrivalMs = Math.max(this.lastArrivalMs, this.queue.nowMs + delayMs);
    this.queue.at(this.lastArrivalMs, this.arrive, packet);
  }
}
