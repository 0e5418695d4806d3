// SPDX-License-Identifier: GPL-2.0-only
// What is fuzzed: code that takes bytes from outside, and what must hold of it whatever they are.

import type { Random } from "../spec/random";
import type { Input } from "./input";
import type { Mutation } from "./mutation";

/**
 * What an execution got to, by name: reasons, faults, kinds of answers. An input that gets somewhere new is kept and
 * mutated further, as others do with edges of the machine code.
 */
export class Reached {
  readonly names = new LuaSet<string>();
  count = 0;
  /** Whether the last input got somewhere new. */
  isNew = false;

  note(name: string): void {
    if (this.names.has(name)) return;
    this.names.add(name);
    this.count += 1;
    this.isNew = true;
  }
}

export interface Target {
  readonly name: string;
  /** One or two sentences for `npm run fuzz -- --list`. */
  readonly explanation: string;
  /** Good inputs to begin with, beside those of the corpus. */
  readonly seeds: (this: void) => readonly string[];
  /** Words of the input's language, to be put in. */
  readonly tokens: readonly string[];
  /** Makes lengths and checksums right again, so that mutated inputs get behind the first checks. */
  readonly repair?: (this: void, mutation: Mutation, random: Random) => void;
  /** Takes an input. Throws when something does not hold. */
  readonly execute: (this: void, input: Input, reached: Reached) => void;
}

/** Throws when something does not hold of an execution. */
export function demand(holds: boolean, what: string): void {
  if (!holds) error(what, 0);
}
