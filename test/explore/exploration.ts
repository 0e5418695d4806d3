// SPDX-License-Identifier: GPL-2.0-only
// Every state that any order of steps leads to, each visited once; in each, whether the trackers are sound and whether
// anybody is dead. Breadth first, so the first way found to a dead state is a shortest one.
//
// A state is kept as the steps that lead to it and is made anew from them: the trackers have no way to be copied, and
// need none for any other purpose.

import { type Cause, CAUSES } from "./blame";
import { deadClients } from "./fair-future";
import { fingerprint } from "./fingerprint";
import { type Rules, type Step, World } from "./world";

export interface DeadState {
  readonly cause: Cause;
  readonly steps: readonly Step[];
  /** The client whose traffic passes no more. */
  readonly client: number;
}

export class Exploration {
  states = 0;
  transitions = 0;
  deadStates = 0;
  /** States in which some packet has gone to others only. */
  misdeliveries = 0;
  isComplete = false;
  readonly deadBy = new LuaMap<Cause, number>();
  /** The first found of each cause. */
  readonly firstDead = new LuaMap<Cause, DeadState>();
  private readonly seen = new LuaSet<number>();

  constructor(private readonly rules: Rules) {}

  /** @param statesMax where to stop; the exploration is incomplete then */
  run(statesMax: number): void {
    let frontier = [""];
    this.visit("");
    while (frontier.length > 0) {
      const next: string[] = [];
      for (const path of frontier) {
        if (this.states >= statesMax) return;
        this.expand(path, next);
      }
      frontier = next;
    }
    this.isComplete = true;
  }

  causes(): Cause[] {
    return CAUSES.filter((cause) => this.deadBy.has(cause));
  }

  private expand(path: string, next: string[]): void {
    const choices = this.worldAfter(path).possible().length;
    for (const choice of $range(1, choices)) {
      this.transitions += 1;
      const further = path + string.char(choice);
      if (this.visit(further)) next.push(further);
    }
  }

  /** Whether the state was new. */
  private visit(path: string): boolean {
    const world = this.worldAfter(path);
    const number = fingerprint(world);
    if (this.seen.has(number)) return false;
    this.seen.add(number);
    this.states += 1;
    world.router.audit();
    if (world.misdelivered > 0) this.misdeliveries += 1;
    const [dead] = deadClients(world);
    if (dead === undefined) return true;
    this.deadStates += 1;
    this.note(world.blame.causeFor(dead.newest()!), path, dead.number);
    return true;
  }

  private note(cause: Cause, path: string, client: number): void {
    this.deadBy.set(cause, (this.deadBy.get(cause) ?? 0) + 1);
    if (!this.firstDead.has(cause)) this.firstDead.set(cause, { cause, steps: this.stepsOf(path), client });
  }

  private worldAfter(path: string): World {
    const world = new World(this.rules);
    for (const at of $range(1, string.len(path))) world.take(world.possible()[string.byte(path, at) - 1]);
    return world;
  }

  private stepsOf(path: string): Step[] {
    const world = new World(this.rules);
    const steps: Step[] = [];
    for (const at of $range(1, string.len(path))) {
      const step = world.possible()[string.byte(path, at) - 1];
      steps.push(step);
      world.take(step);
    }
    return steps;
  }
}
