// SPDX-License-Identifier: GPL-2.0-only
// The shortest scenario that still breaks the same promise: parts are left out as long as it does (delta debugging,
// Zeller and Hildebrandt 2002), and what follows the break is cut off.

import type { LinkConditions } from "./link";
import type { ClientPlan, Fault, Scenario } from "./plan";
import type { Violation } from "./promises";
import { Site } from "./site";

/** Runs that a shrinking may take: a minute or two. */
const RUNS_MAX = 400;
/** After each event: the break is then seen when it happens. */
const AUDIT_EVERY = 1;

export interface Shrunk {
  readonly scenario: Scenario;
  readonly violation: Violation;
  readonly runs: number;
}

class Shrinker {
  runs = 0;
  violation: Violation;

  constructor(
    public best: Scenario,
    first: Violation,
  ) {
    this.violation = first;
  }

  /** Takes the scenario when it breaks the same promise; true then. */
  offer(scenario: Scenario): boolean {
    if (this.runs >= RUNS_MAX) return false;
    this.runs += 1;
    const { violation } = new Site(scenario, AUDIT_EVERY, undefined).run();
    if (violation?.promise !== this.violation.promise) return false;
    this.violation = violation;
    this.best = { ...scenario, durationMs: Math.min(scenario.durationMs, Math.ceil(violation.atMs) + 1) };
    return true;
  }

  /** Leaves out chunks of a list, halving them: what is left cannot do without any one of its parts. */
  reduce<Part>(parts: readonly Part[], withParts: (this: void, parts: readonly Part[]) => Scenario): void {
    let left = parts;
    let chunk = Math.ceil(left.length / 2);
    while (chunk >= 1 && left.length > 0) {
      let at = 0;
      while (at < left.length) {
        const fewer = left.filter((_, index) => index < at || index >= at + chunk);
        if (this.offer(withParts(fewer))) left = fewer;
        else at += chunk;
      }
      chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2);
    }
  }
}

const PERFECT: readonly Partial<LinkConditions>[] = [
  { lossPpm: 0 },
  { duplicatePpm: 0 },
  { reorderPpm: 0 },
  { jitterMs: 0 },
  { mtuBytes: 1500 },
];

/** What a client is made simpler by. */
const PLAIN: readonly Partial<ClientPlan>[] = [
  { pushPercent: 0 },
  { ikeLifeMs: undefined },
  { isServerWatched: false },
];

/** @param violation what a run of the scenario broke */
export function shrink(scenario: Scenario, violation: Violation): Shrunk {
  const shrinker = new Shrinker(scenario, violation);
  shrinker.offer({ ...scenario, durationMs: Math.ceil(violation.atMs) + 1 });
  shrinker.reduce<Fault>(shrinker.best.faults, (faults) => ({ ...shrinker.best, faults }));
  shrinker.reduce<ClientPlan>(shrinker.best.clients, (clients) => ({ ...shrinker.best, clients }));
  for (const better of PERFECT) {
    shrinker.offer({ ...shrinker.best, link: { ...shrinker.best.link, ...better } });
  }
  for (const plain of PLAIN) {
    shrinker.offer({ ...shrinker.best, clients: shrinker.best.clients.map((client) => ({ ...client, ...plain })) });
  }
  shrinker.reduce<Fault>(shrinker.best.faults, (faults) => ({ ...shrinker.best, faults }));
  return { scenario: shrinker.best, violation: shrinker.violation, runs: shrinker.runs };
}
