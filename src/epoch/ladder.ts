// SPDX-License-Identifier: GPL-2.0-only
// The escalation of an outage: ping, rekey, new IKE session, pause; what comes next, and when, on evidence.
//
// Every rung costs others more than the one before, so each is tried only when the one below has failed, and none when
// it cannot help: nothing is done while the WAN is down, little while the server answers nobody, nothing for the seconds
// in which it is asked, and no rekey where the server sends to an address that was left. After the last rung the ladder starts again with a growing,
// jittered pause. It never gives up, and never storms: actions draw on a budget that fills up slowly.

import { ActionBudget, actionsMost as actionsMostOf, backOffMs, type BudgetLimits, jittered } from "./action-budget";

/**
 * Whether the server's own address answers anything, for instance an echo request outside of the tunnel.
 * - unknown: it never did, which proves nothing
 * - asked: it did before, and whether it still does will be known in some seconds
 * - no: it did before, and no longer does
 */
export type ServerAnswers = "unknown" | "asked" | "yes" | "no";

/** What is known beyond the tunnel itself. */
export interface Evidence {
  /** The way out exists: link, address, route, and a next hop that answers. */
  readonly isWanUp: boolean;
  readonly serverAnswers: ServerAnswers;
  /** Tunnels of the same server that are answered, and that are not. */
  readonly othersAlive: number;
  readonly othersDead: number;
  /** Own address, route or next hop towards the server became others since the tunnel was last answered. */
  readonly hasWayChanged: boolean;
}

/** Which action; "initiate" is the rekey of a tunnel that has no epoch. */
export type Action = "rekey" | "initiate" | "new-ike";
export type Rung = "ping" | Action;

/**
 * Rekeys before a new IKE session, by what is known. Where other tunnels of the server work, the way to it does, and
 * this tunnel met a collision or a wrong binding, which a second rekey may meet again. Where none works, the first rekey
 * tells all: its epoch proves that IKE passes, so when that epoch is silent too, the server sends to where nobody is.
 * Where the own way changed, the server is known to send to the old one, and any rekey would inherit that.
 */
const REKEYS_AMONG_LIVING = 2;
const REKEYS_ALONE = 1;
/** The pause after the first failed climb, and the longest; doubled in between. */
const PAUSE_FIRST_MS = 5000;
const PAUSE_MOST_MS = 300000;
/** The least pause while the server answers nobody: its reboot takes about this long. */
const PAUSE_SILENT_MS = 30000;
/** When all tunnels of a server are dead at once, they act within this time of one another and not together. */
const SPREAD_MS = 2000;
/** Four climbs of up to three actions at hand; then one more action each minute: a tunnel that flaps all day costs its server no more. */
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
  /** A new IKE session did not help either: there is a pause before the next. */
  private owesPause = false;
  private hasNewIkeFailed = false;
  private readonly budget = new ActionBudget(BUDGET);

  /** @param random gives numbers from 0 to 1 */
  constructor(private readonly random: () => number) {}

  /** The tunnel works: the next outage starts at the bottom. What was spent stays spent. */
  reset(): void {
    this.rekeys = 0;
    this.climbs = 0;
    this.isIkeSilent = false;
    this.owesPause = false;
    this.hasNewIkeFailed = false;
  }

  /** What to do when pings do not help; undefined while nothing can. */
  next(nowMs: number, evidence: Evidence, hasEpoch: boolean): Step | undefined {
    if (!evidence.isWanUp || evidence.serverAnswers === "asked") return undefined;
    const { action, because } = this.choose(evidence, hasEpoch);
    const waitMs = this.spreadMs(evidence) + this.pauseMs(action, evidence);
    return { action, atMs: nowMs + Math.max(this.budget.waitMs(nowMs), waitMs), because };
  }

  /**
   * What was ordered while nobody could answer, once more: the daemon repeats its first message ever more seldom, and
   * would take as long again as nobody answered.
   */
  repeated(nowMs: number, evidence: Evidence): Step {
    const waitMs = Math.max(this.budget.waitMs(nowMs), this.spreadMs(evidence));
    return { action: "new-ike", atMs: nowMs + waitMs, because: "the server can be reached again" };
  }

  /** An action was ordered. */
  took(action: Action, nowMs: number): void {
    this.budget.spend(nowMs);
    this.isIkeSilent = false;
    if (action !== "new-ike") {
      this.rekeys += 1;
      if (this.hasNewIkeFailed) this.owesPause = false;
      this.hasNewIkeFailed = false;
      return;
    }
    this.rekeys = 0;
    this.climbs += 1;
    this.owesPause = true;
    this.hasNewIkeFailed = false;
  }

  /** The action came to nothing: no new epoch appeared in its time. */
  failed(action: Action): void {
    // A new IKE session that failed may have left the old one in place, or none: the climb starts again either way.
    this.hasNewIkeFailed = action === "new-ike";
    this.isIkeSilent = action !== "new-ike";
  }

  /** A pause drawn at random around its length. */
  jittered(lengthMs: number): number {
    return jittered(lengthMs, this.random);
  }

  private choose(evidence: Evidence, hasEpoch: boolean): Pick<Step, "action" | "because"> {
    if (this.isIkeSilent) return { action: "new-ike", because: "the IKE session made no new epoch" };
    if (evidence.hasWayChanged && this.rekeys === 0 && this.climbs === 0) {
      return { action: "new-ike", because: "the way to the server has changed" };
    }
    const rekeysMax = evidence.othersAlive > 0 ? REKEYS_AMONG_LIVING : REKEYS_ALONE;
    if (this.rekeys >= rekeysMax) {
      return {
        action: "new-ike",
        because: this.rekeys === 1 ? "a rekey did not help" : `${this.rekeys} rekeys did not help`,
      };
    }
    if (!hasEpoch) return { action: "initiate", because: "there is no epoch" };
    const others = evidence.othersAlive > 0 ? ", other tunnels are" : "";
    return { action: "rekey", because: `pings were not answered${others}` };
  }

  /** At the first action of an outage only: those that follow are apart as these were. */
  private spreadMs({ othersAlive, othersDead }: Evidence): number {
    const isFirst = this.rekeys === 0 && this.climbs === 0;
    return isFirst && othersDead > 0 && othersAlive === 0 ? this.random() * SPREAD_MS : 0;
  }

  /**
   * None in the first climb; then longer and longer. An epoch of a new IKE session that is not answered shows that IKE
   * works and the data path does not, as after a wrong binding: the rekey that mends that is not put off, only the next
   * session is.
   */
  private pauseMs(action: Action, evidence: Evidence): number {
    const isDue = this.owesPause && (action === "new-ike" || this.hasNewIkeFailed);
    const ownMs = isDue ? backOffMs(this.climbs, PAUSE_FIRST_MS, PAUSE_MOST_MS) : 0;
    const leastMs = evidence.serverAnswers === "no" ? PAUSE_SILENT_MS : 0;
    return this.jittered(Math.max(ownMs, leastMs));
  }
}
