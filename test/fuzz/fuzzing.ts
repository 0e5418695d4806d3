// SPDX-License-Identifier: GPL-2.0-only
// One target given mutated inputs for a while. Errors are caught here; crashes and hangs by who started this process,
// which finds the input in the progress file.

import { monotonicMs } from "../../src/system/clock";
import { copyBytes } from "../../src/system/ffi";
import { Random } from "../spec/random";
import type { Corpus } from "./corpus";
import { GuardedMemory } from "./guarded-memory";
import type { Input } from "./input";
import { Mutation } from "./mutation";
import type { ProgressFile } from "./progress-file";
import { Reached, type Target } from "./target";

/** The clock is looked at once in so many executions. */
const EXECUTIONS_A_LOOK = 64;
/** Of a hundred inputs, those whose checksums and lengths stay wrong. */
const UNREPAIRED_PERCENT = 8;
/** Of a hundred inputs, those that begin behind a guard page; the others end before one. */
const BEGIN_GUARDED_PERCENT = 20;
/** A target with so many different errors is broken: more of them help nobody. */
const PROBLEMS_MAX = 8;

/** An error of a target, and the first input that brought it about. */
export interface Problem {
  readonly what: string;
  readonly input: string;
}

export class Fuzzing {
  readonly reached = new Reached();
  readonly problems: Problem[] = [];
  private readonly random: Random;
  private readonly mutation: Mutation;
  private readonly memory = new GuardedMemory();
  private readonly input: Input;

  constructor(
    private readonly target: Target,
    private readonly corpus: Corpus,
    private readonly progress: ProgressFile,
    seed: number,
  ) {
    this.random = new Random(seed);
    this.mutation = new Mutation(this.random, target.tokens);
    this.input = { bytes: this.memory.start, lengthBytes: 0 };
  }

  /** Every input of the corpus as it is, then mutated ones until the time is over. */
  run(durationMs: number): void {
    const endMs = monotonicMs() + durationMs;
    for (const input of [...this.corpus.inputs]) {
      this.mutation.load(input);
      this.execute();
    }
    while (monotonicMs() < endMs && this.problems.length < PROBLEMS_MAX) {
      for (const _ of $range(1, EXECUTIONS_A_LOOK)) this.executeMutated();
    }
  }

  private executeMutated(): void {
    const { corpus, mutation, random, reached, target } = this;
    const { inputs } = corpus;
    mutation.load(inputs[random.below(inputs.length)]);
    mutation.change(inputs[random.below(inputs.length)]);
    if (target.repair !== undefined && random.below(100) >= UNREPAIRED_PERCENT) target.repair(mutation, random);
    reached.isNew = false;
    this.execute();
    if (reached.isNew) corpus.addFound(mutation.text());
  }

  /** Executes what was mutated, in a place of its own: targets rewrite what they are given. */
  private execute(): void {
    const { input, memory, mutation, target } = this;
    input.lengthBytes = mutation.lengthBytes;
    const isBeginGuarded = this.random.below(100) < BEGIN_GUARDED_PERCENT;
    input.bytes = isBeginGuarded ? memory.start : memory.endingAt(mutation.lengthBytes);
    copyBytes(input.bytes, mutation.bytes, mutation.lengthBytes);
    this.progress.next(mutation.bytes, mutation.lengthBytes);
    const [done, problem] = pcall(target.execute, input, this.reached);
    if (!done) this.note(tostring(problem));
  }

  private note(what: string): void {
    if (this.problems.some((problem) => kindOf(problem.what) === kindOf(what))) return;
    this.problems.push({ what, input: this.mutation.text() });
  }
}

/** Errors that differ in numbers only are one. */
export function kindOf(what: string): string {
  return string.gsub(what, "%-?%d+", "#")[0];
}
