// SPDX-License-Identifier: GPL-2.0-only
// The escalation of an outage: ping, rekey, new IKE session, pause; what comes next, and when, on evidence.
//
// Every rung costs others more than the one before, so each is tried only when the one below has failed, and none when
// it cannot help: nothing is done while the WAN is down, little while the server answers nobody, and a rekey that the
// IKE session does not answer is not repeated in it. After the last rung the ladder starts again with a growing,
// jittered pause. It never gives up, and never storms: actions draw on a budget that fills up slowly.

import { ActionBudget, actionsMost as actionsMostOf, backOffMs, type BudgetLimits, jittered } from "./action-budget";

/** What is known beyond the tunnel itself. */
export interface Evidence {
  /** The way out exists: link, address, route, and a next hop that answers. */
  readonly isWanUp: boolean;
  /**
   * The server's own address answers anything, for instance an echo request outside of the tunnel. False only when it
   * did so before and no longer does; undefined when it never did, which proves nothing.
   */
  readonly doesServerAnswer: boolean | undefined;
  /** Tunnels of the same server that are answered, and that are not. */
  readonly othersAlive: number;
  readonly othersDead: number;
}

/** Which action; "initiate" is the rekey of a tunnel that has no epoch. */
export type Action = "rekey" | "initiate" | "new-ike";
export type Rung = "ping" | Action;

/** Rekeys before a new IKE session: the first may be lost in the same outage, or meet the same collision. */
const REKEYS_MAX = 2;
/** The pause after the first failed climb, and the longest; doubled in between. */
const PAUSE_FIRST_MS = 5000;
const PAUSE_MOST_MS = 300000;
/** The least pause while the server answers nobody: its reboot takes about this long. */
const PAUSE_SILENT_MS = 30000;
/** When all tunnels of a server are dead at once, they act within this time of one another and not together. */
const SPREAD_MS = 2000;
/** Four climbs at hand; then one more action each minute: a tunnel that flaps all day costs its server no more. */
const BUDGET: BudgetLimits = { most: 12, refillMs: 60000 };

/** The most actions of one tunnel in any span of that length, whatever happens. */
export function actionsMost(spanMs: number): number {
  return actionsMostOf(BUDGET, spanMs);
}

export interface Step {
  readonly action: Action;
  readonly atMs: number;
  /** Why this and not another, for people. */
  readonly because: string;
}

export class Ladder {
  private rekeys = 0;
  private climbs = 0;
  /** The last action made no epoch: the IKE session itself is not answered. */
  private isIkeSilent = false;
  private readonly budget = new ActionBudget(BUDGET);

  /** @param random gives numbers from 0 to 1 */
  constructor(private readonly random: () => number) {}

  /** The tunnel works: the next outage starts at the bottom. What was spent stays spent. */
  reset(): void {
    this.rekeys = 0;
    this.climbs = 0;
    this.isIkeSilent = false;
  }

  /** What to do when pings do not help; undefined while nothing can. */
  next(nowMs: number, evidence: Evidence, hasEpoch: boolean): Step | undefined {
    if (!evidence.isWanUp) return undefined;
    const areAllDead = evidence.othersDead > 0 && evidence.othersAlive === 0;
    const spreadMs = areAllDead ? this.random() * SPREAD_MS : 0;
    const atMs = nowMs + Math.max(this.budget.waitMs(nowMs), spreadMs + this.pauseMs(evidence));
    if (this.isIkeSilent) return { action: "new-ike", atMs, because: "the IKE session made no new epoch" };
    if (this.rekeys >= REKEYS_MAX) return { action: "new-ike", atMs, because: `${this.rekeys} rekeys did not help` };
    if (!hasEpoch) return { action: "initiate", atMs, because: "there is no epoch" };
    const because = evidence.othersAlive > 0 ? "pings were not answered, other tunnels are" : "pings were not answered";
    return { action: "rekey", atMs, because };
  }

  /** An action was ordered. */
  took(action: Action, nowMs: number): void {
    this.budget.spend(nowMs);
    if (action !== "new-ike") {
      this.rekeys += 1;
      return;
    }
    this.rekeys = 0;
    this.climbs += 1;
    this.isIkeSilent = false;
  }

  /** The action came to nothing: no new epoch appeared in its time. */
  failed(action: Action): void {
    // A new IKE session that failed may have left the old one in place, or none: the climb starts again either way.
    this.isIkeSilent = action !== "new-ike";
  }

  /** A pause drawn at random around its length. */
  jittered(lengthMs: number): number {
    return jittered(lengthMs, this.random);
  }

  /** None before the first complete climb; then longer and longer. */
  private pauseMs(evidence: Evidence): number {
    const isWithinClimb = this.rekeys > 0 || this.climbs === 0;
    const ownMs = isWithinClimb ? 0 : backOffMs(this.climbs, PAUSE_FIRST_MS, PAUSE_MOST_MS);
    const leastMs = evidence.doesServerAnswer === false ? PAUSE_SILENT_MS : 0;
    return this.jittered(Math.max(ownMs, leastMs));
  }
}
