// SPDX-License-Identifier: GPL-2.0-only
// One world, taken to any state of a tree. What it was like is kept along the way to the last state asked for, and the
// next one in the queue has most of that way in common with it.

import { Memento } from "./memento";
import { ROOT, type StateTree } from "./state-tree";
import type { World } from "./world";

export class Walker {
  /** The states on the way from the root. */
  private readonly way: number[] = [ROOT];
  /** What the world was like in each of them; further ones are kept for their memory. */
  private readonly mementos: Memento[] = [];

  constructor(
    private readonly tree: StateTree,
    private readonly world: World,
  ) {
    this.remember();
  }

  /** Takes the world to a state; from there on, {@link goBack} returns to it. */
  goTo(state: number): void {
    const missing = this.goBackTowards(state);
    this.goBack();
    for (const at of $range(missing.length - 1, 0, -1)) {
      this.world.choose(this.tree.choiceOf(missing[at]));
      this.way.push(missing[at]);
      this.remember();
    }
  }

  goBack(): void {
    this.mementos[this.way.length - 1].restore();
  }

  /** Leaves the way where that to `state` parts from it; the states still to go through, the last one first. */
  private goBackTowards(state: number): number[] {
    const missing: number[] = [];
    let ancestor = state;
    // A state is found after its parent: so of two different states, the later one is no ancestor of the other.
    while (this.way[this.way.length - 1] !== ancestor) {
      if (this.way[this.way.length - 1] > ancestor) {
        this.way.pop();
      } else {
        missing.push(ancestor);
        ancestor = this.tree.parentOf(ancestor);
      }
    }
    return missing;
  }

  private remember(): void {
    const depth = this.way.length;
    if (this.mementos.length < depth) this.mementos.push(new Memento());
    this.mementos[depth - 1].save(this.world, this.world.unchanging());
  }
}
