// SPDX-License-Identifier: GPL-2.0-only
// Inputs that got somewhere, of one target: those kept in the repository, and those found since.

import { unescaped } from "./escaped-text";
import type { Target } from "./target";

/** In memory: more dilute those that matter. */
const INPUTS_MAX = 4096;

export class Corpus {
  readonly inputs: string[] = [];
  /** Found in this run. */
  readonly found: string[] = [];

  add(input: string): void {
    if (this.inputs.length < INPUTS_MAX) this.inputs.push(input);
  }

  addFound(input: string): void {
    this.found.push(input);
    this.add(input);
  }
}

/** The target's seeds and the lines of the file `path`, which need not be there. */
export function corpusOf(target: Target, path: string): Corpus {
  const corpus = new Corpus();
  for (const seed of target.seeds()) corpus.add(seed);
  const [file] = io.open(path, "r");
  if (file === undefined) return corpus;
  for (const [line] of file.lines()) corpus.add(unescaped(line));
  file.close();
  return corpus;
}
