// SPDX-License-Identifier: GPL-2.0-only
// What keeps recovery from becoming a storm: a store of actions that fills up slowly, pauses that double, and jitter.
//
// Whoever recovers something counts on it: the ladder of a tunnel's outage, and the supervisor that resets a board. It
// is compiled for Lua and for Espruino alike, so it is plain arithmetic.

/** A pause is drawn from [1 − JITTER, 1 + JITTER] of its length, so that many do not act at once. */
const JITTER = 0.25;

/**
 * @param random gives numbers from 0 to 1
 * @returns a pause drawn at random around its length
 */
export function jittered(lengthMs: number, random: () => number): number {
  return lengthMs * (1 - JITTER + 2 * JITTER * random());
}

/** The pause before the next try, doubled with each one that failed, as RFC 6298 §5.5 does. */
export function backOffMs(failures: number, firstMs: number, mostMs: number): number {
  let pauseMs = firstMs;
  for (let doublings = 1; doublings < failures && pauseMs < mostMs; doublings += 1) pauseMs *= 2;
  return Math.min(pauseMs, mostMs);
}

/** Actions that may be taken at once, and the time in which one more may. */
export interface BudgetLimits {
  readonly most: number;
  readonly refillMs: number;
}

/** The most actions in any span of that length, whatever happens. */
export function actionsMost({ most, refillMs }: BudgetLimits, spanMs: number): number {
  return most + Math.floor(spanMs / refillMs) + 1;
}

export class ActionBudget {
  private left: number;
  private countedMs: number | undefined;

  constructor(private readonly limits: BudgetLimits) {
    this.left = limits.most;
  }

  /** How long until an action is left. */
  waitMs(nowMs: number): number {
    this.refill(nowMs);
    return this.left >= 1 ? 0 : (1 - this.left) * this.limits.refillMs;
  }

  spend(nowMs: number): void {
    this.refill(nowMs);
    this.left = Math.max(0, this.left - 1);
  }

  private refill(nowMs: number): void {
    const { most, refillMs } = this.limits;
    const passedMs = nowMs - (this.countedMs ?? nowMs);
    this.left = Math.min(most, this.left + passedMs / refillMs);
    this.countedMs = nowMs;
  }
}
