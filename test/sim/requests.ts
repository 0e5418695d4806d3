// SPDX-License-Identifier: GPL-2.0-only
// What a tunnel is used for: a client asks, again and again until it is answered, and then pauses; a server may send
// without being asked. How long a question stays unanswered is how long the tunnel is dead.

import type { Random } from "../spec/random";
import type { EventQueue } from "./event-queue";
import type { EspPacket } from "./packet";
import type { ClientPlan } from "./plan";

/** RFC 6298 §2 and §5.5: asked again after a second, twice that, …. */
const REPEAT_FIRST_MS = 1000;
/** A question that was repeated twice shows an outage, not a lost packet. */
export const OUTAGE_LEAST_MS = 3000;
const MILLION = 1000000;

/** A time to wait, of that mean: what is independent of all that was before (exponential). */
export function waitingTime(random: Random, meanMs: number): number {
  return -meanMs * Math.log((1 + random.below(MILLION)) / MILLION);
}

export class Requests {
  /** When the question was first asked that is not answered; undefined: there is none. */
  askedMs: number | undefined;
  /** Questions that were answered, and that took an outage to be. */
  answered = 0;
  readonly outages: number[] = [];
  /** From then on the first answer is waited for, and how long that took; undefined: none has come. */
  recoversFromMs = Infinity;
  recoveryMs: number | undefined;
  private repeats = 0;
  private run = 0;
  private pauseUntilMs = 0;
  private isHeld = false;

  /** @param send sends the question; false: it is held, because no epoch may carry it */
  constructor(
    private readonly queue: EventQueue,
    private readonly random: Random,
    private readonly plan: Pick<ClientPlan, "intervalMs" | "repeatMostMs">,
    private readonly send: (this: void, askedMs: number) => boolean,
  ) {}

  start(): void {
    this.planNext();
  }

  /** Nothing is asked for a while. */
  pause(forMs: number): void {
    this.pauseUntilMs = this.queue.nowMs + forMs;
  }

  /** What was held may go. */
  release(): void {
    if (this.isHeld && this.askedMs !== undefined) this.isHeld = !this.send(this.askedMs);
  }

  heard({ askedMs }: EspPacket): void {
    if (this.askedMs === undefined || askedMs !== this.askedMs) return;
    const tookMs = this.queue.nowMs - askedMs;
    if (tookMs >= OUTAGE_LEAST_MS) this.outages.push(tookMs);
    this.answered += 1;
    this.noteRecovery(askedMs, tookMs);
    this.askedMs = undefined;
    this.planNext();
  }

  /** A question that was asked afterwards and answered promptly shows that nothing was amiss. */
  private noteRecovery(askedMs: number, tookMs: number): void {
    const { nowMs } = this.queue;
    if (nowMs < this.recoversFromMs || this.recoveryMs !== undefined) return;
    const wasWell = askedMs >= this.recoversFromMs && tookMs < OUTAGE_LEAST_MS;
    this.recoveryMs = wasWell ? 0 : nowMs - this.recoversFromMs;
  }

  private planNext(): void {
    this.run += 1;
    const atMs = Math.max(this.pauseUntilMs, this.queue.nowMs + waitingTime(this.random, this.plan.intervalMs));
    this.queue.at(atMs, this.ask, this.run);
  }

  private readonly ask: (this: void, run: number) => void = (run) => {
    if (run !== this.run) return;
    if (this.askedMs === undefined) {
      this.askedMs = this.queue.nowMs;
      this.repeats = 0;
    }
    this.isHeld = !this.send(this.askedMs);
    this.run += 1;
    this.queue.after(Math.min(this.plan.repeatMostMs, REPEAT_FIRST_MS * 2 ** this.repeats), this.ask, this.run);
    this.repeats += 1;
  };
}
