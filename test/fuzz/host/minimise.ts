// SPDX-License-Identifier: GPL-2.0-only
// Cuts an input short as long as it still brings about the same kind of problem (delta debugging; Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002), each try in a process of its own.

import { escaped, unescaped } from "./escaped-text.js";
import { replay } from "./fuzz-process.js";

/** Tries of some 20 ms each; those that hang take seconds. */
const TRIES_MAX = 400;
const TIME_MAX_MS = 60_000;

/** Problems that differ in numbers only are one kind. */
function kindOf(what: string | undefined): string | undefined {
  return what?.replace(/-?\d+/g, "#");
}

/** The shortest input found, as an escaped line; the given one, when it does not bring the problem about by itself. */
export function minimise(target: string, line: string, folder: string): string {
  const kind = kindOf(replay(target, line, folder));
  if (kind === undefined) return line;
  const endMs = Date.now() + TIME_MAX_MS;
  let best = unescaped(line);
  let tries = 0;
  for (let piece = best.length >> 1; piece >= 1; piece >>= 1) {
    for (let at = 0; at < best.length;) {
      if (tries >= TRIES_MAX || Date.now() >= endMs) return escaped(best);
      tries += 1;
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + piece)]);
      if (kindOf(replay(target, escaped(shorter), folder)) === kind) best = shorter;
      else at += piece;
    }
  }
  return escaped(best);
}
