// SPDX-License-Identifier: GPL-2.0-only
// What a check of the board is: a sentence that is true when it passes, and the figures that it measured.

import type { Figure } from "../../../src/host/document.js";
import type { Bench } from "./bench.js";

export type Figures = Readonly<Record<string, Figure>>;

export interface Check {
  /** What is true when it passes. */
  readonly sentence: string;
  /**
   * @param say gets a line at a time, of a check that takes long
   * @throws when it is not
   */
  readonly run: (bench: Bench, say: (text: string) => void) => Promise<Figures | undefined>;
}

/** What took how long, in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}
