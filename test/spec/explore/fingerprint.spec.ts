// SPDX-License-Identifier: GPL-2.0-only
// States of one fingerprint have one future: checked in small worlds that are explored whole, state by state, without
// any of the fingerprint's reductions. Whatever the fingerprint leaves out then decides nothing there.

import { catalogue } from "../../explore/catalogue";
import { FairFutures } from "../../explore/fair-future";
import { fingerprint } from "../../explore/fingerprint";
import { ROOT, StateTree } from "../../explore/state-tree";
import { Walker } from "../../explore/walker";
import { World } from "../../explore/world";
import { wholeState } from "./whole-state";

const compiler = require("jit.opt") as { start: (this: void, ...options: string[]) => void };

interface Outcome {
  /** Fingerprints. */
  readonly classes: number;
  readonly states: number;
  /** States of a known fingerprint that differ from the first in whether somebody is dead, or in what is one step on. */
  readonly contradictions: number;
}

function nameOf(world: World): string {
  const { high, low } = fingerprint(world);
  return `${high} ${low}`;
}

/** Whether anybody is dead; the world is used up. */
function isAnyDead(world: World, futures: FairFutures): boolean {
  return futures.deadIn(world, fingerprint(world).clients).length > 0;
}

class PlainExploration {
  private readonly world: World;
  private readonly tree = new StateTree();
  private readonly walker: Walker;
  private readonly seen = new LuaSet<string>();
  private readonly outlooks = new LuaMap<string, string>();
  private readonly futures = new FairFutures();
  private classes = 0;
  private contradictions = 0;

  constructor(name: string, clients: number, epochs: number) {
    const { rules } = catalogue.find((subject) => subject.name === name)!;
    this.world = new World({ ...rules, clients, epochs });
    this.walker = new Walker(this.tree, this.world);
    this.seen.add(wholeState(this.world));
  }

  run(statesMax: number): Outcome {
    let state = ROOT;
    while (state < this.tree.count && state < statesMax) {
      this.walker.goTo(state);
      this.look(state, this.tree.count < statesMax);
      state += 1;
    }
    return { classes: this.classes, states: state, contradictions: this.contradictions };
  }

  private look(state: number, isGrowing: boolean): void {
    const name = nameOf(this.world);
    const outlook = `${this.deadness()} ${this.successors(state, isGrowing)}`;
    const known = this.outlooks.get(name);
    if (known === undefined) this.classes += 1;
    else if (known !== outlook) this.contradictions += 1;
    if (known === undefined) this.outlooks.set(name, outlook);
  }

  /** Tried to the end, and with what is known of other states. */
  private deadness(): string {
    const isDead = isAnyDead(this.world, new FairFutures());
    this.walker.goBack();
    const isSaidDead = isAnyDead(this.world, this.futures);
    this.walker.goBack();
    return `${isDead} ${isSaidDead}`;
  }

  /** The fingerprints of the states one step on, each once, in an order of their own. */
  private successors(state: number, isGrowing: boolean): string {
    const names: string[] = [];
    const steps = this.world.possible();
    for (const choice of $range(0, steps.length - 1)) {
      this.world.take(steps[choice]);
      const whole = wholeState(this.world);
      if (isGrowing && !this.seen.has(whole)) {
        this.seen.add(whole);
        this.tree.add(state, choice);
      }
      const name = nameOf(this.world);
      if (!names.includes(name)) names.push(name);
      this.walker.goBack();
    }
    return names.sort().join(";");
  }
}

/** Enough for every kind of step and a loss after it; the whole of the smallest worlds. */
const STATES = 400;

describe("The fingerprint of a world", () => {
  // All that a world reaches has room among the compiled traces.
  compiler.start("maxtrace=8000", "maxmcode=16384");

  for (const { name } of catalogue) {
    it(`is one for states of ${name} only if the same follows from them`, () => {
      const { classes, states, contradictions } = new PlainExploration(name, 2, 1).run(STATES);
      assert.equal(0, contradictions);
      assert.is_true(classes * 3 < states * 2, `${classes} fingerprints of ${states} states`);
    });
  }
});
