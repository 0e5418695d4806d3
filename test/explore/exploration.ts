// SPDX-License-Identifier: GPL-2.0-only
// Every state that any order of steps leads to, each visited once; in each, whether the trackers are sound and whether
// anybody is dead. Breadth first, so the first way found to a dead state is a shortest one.

import { type Cause, CAUSES } from "./blame";
import { FairFutures } from "./fair-future";
import { fingerprint } from "./fingerprint";
import { SeenStates } from "./seen-states";
import { ROOT, StateTree } from "./state-tree";
import { Walker } from "./walker";
import { type Client, type Rules, World } from "./world";

export interface DeadState {
  readonly cause: Cause;
  /** The choices that lead to it. */
  readonly choices: readonly number[];
  /** The client whose traffic passes no more. */
  readonly client: number;
}

export class Exploration {
  transitions = 0;
  deadStates = 0;
  /** States in which some packet has gone to others only. */
  misdeliveries = 0;
  isComplete = false;
  readonly deadBy = new LuaMap<Cause, number>();
  /** The first found of each cause. */
  readonly firstDead = new LuaMap<Cause, DeadState>();
  readonly futures = new FairFutures();
  private readonly tree = new StateTree();
  private readonly seen = new SeenStates();

  constructor(private readonly rules: Rules) {}

  states(): number {
    return this.tree.count;
  }

  /** @param statesMax where to stop; the exploration is incomplete then */
  run(statesMax: number): void {
    const world = new World(this.rules);
    const walker = new Walker(this.tree, world);
    const { high, low } = fingerprint(world);
    this.seen.add(high, low);
    let state = ROOT;
    while (state < this.tree.count && this.tree.count < statesMax) {
      walker.goTo(state);
      this.expand(state, world, walker);
      state += 1;
    }
    this.isComplete = state === this.tree.count;
  }

  causes(): Cause[] {
    return CAUSES.filter((cause) => this.deadBy.has(cause));
  }

  private expand(state: number, world: World, walker: Walker): void {
    const steps = world.possible();
    for (const choice of $range(0, steps.length - 1)) {
      this.transitions += 1;
      world.take(steps[choice]);
      const { high, low, clients } = fingerprint(world);
      if (this.seen.add(high, low)) {
        this.tree.add(state, choice);
        this.judge(world, clients);
      }
      walker.goBack();
    }
  }

  /** Looks at a new state, the last one of the tree; its world is used up. */
  private judge(world: World, clients: readonly Client[]): void {
    world.router.audit();
    if (world.misdelivered > 0) this.misdeliveries += 1;
    const [dead] = this.futures.deadIn(world, clients);
    if (dead === undefined) return;
    this.deadStates += 1;
    const cause = world.blame.causeFor(dead.newest()!);
    this.deadBy.set(cause, (this.deadBy.get(cause) ?? 0) + 1);
    if (this.firstDead.has(cause)) return;
    this.firstDead.set(cause, { cause, choices: this.tree.choicesTo(this.tree.count - 1), client: dead.number });
  }
}
