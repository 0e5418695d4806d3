// SPDX-License-Identifier: GPL-2.0-only
// When a board is reset: the supervisor's decisions, apart from pins and ports.
//
// A router that lives sends heartbeats. When they stop, or say "wedged" several times running, the board is reset: not
// while it boots, not while somebody flashes it or works at its boot loader, less and less often when resets do not
// help, and never more than a few times an hour. Time is an argument; what is decided comes back as a value.

import { ActionBudget, backOffMs, jittered } from "../epoch/action-budget";
import type { Heartbeat } from "../heartbeat/heartbeat";
import { type ConsoleNews, readConsoleLine } from "./console-line";
import type { SupervisorLimits } from "./limits";
import type { Cause, ResetRecord } from "./reset-record";

/** What the board is taken to be doing. */
export type Phase = "starting" | "beating" | "boot-loader" | "flashing" | "held";

export class Supervisor {
  /** The last heartbeat; undefined: none since the board started. */
  heartbeat: Heartbeat | undefined;
  /** Heartbeats that others' text had spoiled. */
  damaged = 0;
  private readonly budget: ActionBudget;
  private startedMs: number;
  private beatMs: number;
  private sequence: number | undefined;
  private wedgedBeats = 0;
  /** Since when heartbeats have come without a pause and without a wedge. */
  private steadySinceMs: number | undefined;
  /** Starts of the board that were seen since the last heartbeat. */
  private starts = 0;
  private panicMs: number | undefined;
  private busy: "boot-loader" | "flashing" | undefined;
  private busyUntilMs = 0;
  private heldUntilMs = 0;
  private notBeforeMs = 0;

  /** @param random gives numbers from 0 to 1 */
  constructor(
    private readonly limits: SupervisorLimits,
    private readonly record: ResetRecord,
    private readonly random: () => number,
    nowMs: number,
  ) {
    this.startedMs = nowMs;
    this.beatMs = nowMs;
    this.budget = new ActionBudget(limits.budget);
    // What was spent before a restart of our own stays spent, all but one.
    const spent = Math.min(record.unhelpful, limits.budget.most - 1);
    for (let times = 0; times < spent; times += 1) this.budget.spend(nowMs);
  }

  /** A line of the router's console. */
  hear(line: string, nowMs: number): void {
    const news = readConsoleLine(line);
    if (news.kind === "heartbeat") this.takeHeartbeat(news.heartbeat, nowMs);
    else if (news.kind !== "other") this.takeNews(news, nowMs);
  }

  /** Call about once a second. @returns why the board is to be reset now; undefined: it is not */
  tick(nowMs: number): Cause | undefined {
    this.noteSteadiness(nowMs);
    if (this.isKeptOff(nowMs)) return undefined;
    const cause = this.fault(nowMs);
    if (cause === undefined || this.waitMs(nowMs) > 0) return undefined;
    return this.resetBecause(cause, nowMs);
  }

  /** A person asks for a reset: neither back-off nor budget stand in the way, flashing does. */
  resetByHand(nowMs: number): Cause | undefined {
    if (this.busy === "flashing" && nowMs < this.busyUntilMs) return undefined;
    return this.resetBecause("by-hand", nowMs);
  }

  /** No resets for so long, but by hand. */
  hold(lengthMs: number, nowMs: number): void {
    this.heldUntilMs = nowMs + lengthMs;
  }

  resume(nowMs: number): void {
    this.heldUntilMs = nowMs;
    this.busy = undefined;
    this.startAgain(nowMs);
  }

  phase(nowMs: number): Phase {
    if (nowMs < this.heldUntilMs) return "held";
    if (this.busy !== undefined && nowMs < this.busyUntilMs) return this.busy;
    return this.heartbeat === undefined ? "starting" : "beating";
  }

  /** Since when no heartbeat came. */
  silentMs(nowMs: number): number {
    return nowMs - this.beatMs;
  }

  /** When the phase ends by itself, from now on; undefined: it does not. */
  phaseEndsInMs(nowMs: number): number | undefined {
    const phase = this.phase(nowMs);
    if (phase === "held") return this.heldUntilMs - nowMs;
    if (phase === "starting") return Math.max(0, this.startedMs + this.limits.graceMs - nowMs);
    return phase === "beating" ? undefined : this.busyUntilMs - nowMs;
  }

  /** How long back-off and budget keep a reset from being made. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.notBeforeMs - nowMs, this.budget.waitMs(nowMs));
  }

  // What it hears

  private takeHeartbeat(heartbeat: Heartbeat, nowMs: number): void {
    // Shown again, as a log that somebody prints: it proves no life.
    if (heartbeat.sequence === this.sequence) return;
    this.sequence = heartbeat.sequence;
    this.heartbeat = heartbeat;
    this.beatMs = nowMs;
    this.starts = 0;
    this.panicMs = undefined;
    // A router may live on while its other slot is written to.
    if (this.busy === "boot-loader") this.busy = undefined;
    this.wedgedBeats = heartbeat.health === "wedged" ? this.wedgedBeats + 1 : 0;
    if (this.wedgedBeats > 0) this.steadySinceMs = undefined;
    else this.steadySinceMs ??= nowMs;
  }

  private takeNews(news: ConsoleNews, nowMs: number): void {
    if (news.kind === "flashing") this.takeFlashing(news.leaseSeconds * 1000, nowMs);
    else if (news.kind === "boot-loader") this.takeBootLoader(nowMs);
    else if (news.kind === "booting") this.takeBooting(nowMs);
    else if (news.kind === "panic") this.panicMs = nowMs;
    else this.damaged += 1;
  }

  private takeFlashing(leaseMs: number, nowMs: number): void {
    this.busy = leaseMs > 0 ? "flashing" : undefined;
    this.busyUntilMs = nowMs + leaseMs;
    this.startAgain(nowMs + leaseMs);
  }

  /** A boot loader that is stuck is reset in the end: only starts that heartbeats followed renew its time. */
  private takeBootLoader(nowMs: number): void {
    if (this.busy === "flashing" && nowMs < this.busyUntilMs) return;
    if (this.busy === undefined) this.starts += 1;
    if (this.starts > this.limits.startsMax) return;
    this.busy = "boot-loader";
    this.busyUntilMs = nowMs + this.limits.bootLoaderMs;
    this.startAgain(this.busyUntilMs);
  }

  private takeBooting(nowMs: number): void {
    if (this.busy === undefined) this.starts += 1;
    this.busy = undefined;
    this.panicMs = undefined;
    if (this.starts <= this.limits.startsMax) this.startAgain(nowMs);
  }

  /** The board starts, or will at that time: its heartbeats are waited for from then on. */
  private startAgain(atMs: number): void {
    this.heartbeat = undefined;
    this.sequence = undefined;
    this.steadySinceMs = undefined;
    this.wedgedBeats = 0;
    this.startedMs = atMs;
  }

  // What it decides

  private isKeptOff(nowMs: number): boolean {
    return nowMs < this.heldUntilMs || (this.busy !== undefined && nowMs < this.busyUntilMs);
  }

  private fault(nowMs: number): Cause | undefined {
    if (this.panicMs !== undefined && nowMs - this.panicMs >= this.limits.panicMs) return "panic";
    if (this.wedgedBeats >= this.limits.wedgedBeats) return "wedged";
    if (this.heartbeat !== undefined) return this.silentMs(nowMs) >= this.limits.silenceMs ? "silent" : undefined;
    return nowMs - this.startedMs >= this.limits.graceMs ? "no-heartbeat" : undefined;
  }

  private resetBecause(cause: Cause, nowMs: number): Cause {
    this.record.add(cause, this.sequence, this.wallSeconds(nowMs));
    if (cause !== "by-hand") {
      this.budget.spend(nowMs);
      const { pauseFirstMs, pauseMostMs } = this.limits;
      this.notBeforeMs = nowMs + jittered(backOffMs(this.record.unhelpful, pauseFirstMs, pauseMostMs), this.random);
    }
    this.panicMs = undefined;
    this.busy = undefined;
    this.starts = 0;
    this.startAgain(nowMs);
    return cause;
  }

  /** The resets helped, once heartbeats have come for long enough. */
  private noteSteadiness(nowMs: number): void {
    if (this.silentMs(nowMs) >= this.limits.silenceMs) this.steadySinceMs = undefined;
    if (this.steadySinceMs === undefined || nowMs - this.steadySinceMs < this.limits.steadyMs) return;
    if (this.record.unhelpful > 0) this.record.helped();
  }

  /** The router's clock, from its last heartbeat; 0 when it was not set. */
  private wallSeconds(nowMs: number): number {
    if (this.heartbeat === undefined) return 0;
    for (const { name, value } of this.heartbeat.numbers) {
      if (name === "time" && value >= this.limits.clockIsSetSeconds) {
        return value + Math.floor(this.silentMs(nowMs) / 1000);
      }
    }
    return 0;
  }
}
