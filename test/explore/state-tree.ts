// SPDX-License-Identifier: GPL-2.0-only
// The states found, each as the state that it was first reached from and the choice made there, in the order of their
// finding: so the tree is also the queue of a search that goes breadth first.

import { allocateWords } from "../../src/masquerade/memory";

const FIRST_CAPACITY = 1 << 12;
/** Words of a state: its parent and the choice. */
const STATE_WORDS = 2;

/** The state that everything begins with. */
export const ROOT = 0;

export class StateTree {
  count = 1;
  private capacity = FIRST_CAPACITY;
  private words = allocateWords(FIRST_CAPACITY * STATE_WORDS);

  add(parent: number, choice: number): void {
    if (this.count === this.capacity) this.grow();
    this.words[this.count * STATE_WORDS] = parent;
    this.words[this.count * STATE_WORDS + 1] = choice;
    this.count += 1;
  }

  parentOf(state: number): number {
    return this.words[state * STATE_WORDS];
  }

  choiceOf(state: number): number {
    return this.words[state * STATE_WORDS + 1];
  }

  /** What was chosen on the way from the root. */
  choicesTo(state: number): number[] {
    const choices: number[] = [];
    for (let at = state; at !== ROOT; at = this.parentOf(at)) choices.unshift(this.choiceOf(at));
    return choices;
  }

  private grow(): void {
    const before = this.words;
    this.words = allocateWords(this.capacity * 2 * STATE_WORDS);
    for (const at of $range(0, this.capacity * STATE_WORDS - 1)) this.words[at] = before[at];
    this.capacity *= 2;
  }
}
