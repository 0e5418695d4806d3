// SPDX-License-Identifier: GPL-2.0-only
// What the words after `npm run board --` ask for.

import { commandWords, knownNames, optionHelp, wholeNumberValue } from "../../../src/host/command-words.js";
import { wrap } from "../../../src/host/page.js";
import { Refusal } from "../../../src/host/refusal.js";

/** Seeds that are made up have so many values: six digits are easily typed again. */
const SEEDS = 1_000_000;

const RULES = {
  only: { value: "GROUP[,GROUP...]", does: "run these groups of checks, and not all" },
  "power-cuts": { value: "NUMBER", does: "instead of the checks: cut the power so often, at random moments" },
  seed: { value: "NUMBER", does: "with --power-cuts: what the moments are drawn from; without it, the time" },
  from: { value: "NUMBER", does: "with --power-cuts: the first to be made of the seed's; 1 without it" },
  json: { does: "print the result as one JSON document, and what is under way on standard error" },
  help: { does: "print this" },
} as const;

/** @param groups the names that --only takes */
export function usage(groups: readonly string[]): string {
  return `Checks the emulated board, and measures on the way.

Usage: npm run board -- [options]

${optionHelp(RULES)}

The groups, in the order in which they run:
${wrap(groups.join(", "), "  ")}

The exit status is 0 when all passed, and 1 when not. docs/boards.md tells more.`;
}

/** Power cuts at moments that can be had again: so many of a seed's, from one on. */
export interface PowerCutTask {
  readonly count: number;
  readonly seed: number;
  /** 1 is the seed's first. */
  readonly from: number;
}

export interface BoardRequest {
  /** Of the checks; none means all. */
  readonly groups: readonly string[];
  /** Instead of the checks. */
  readonly powerCuts: PowerCutTask | undefined;
  readonly isJson: boolean;
}

/**
 * @param known the groups that there are
 * @returns undefined when help is asked for
 * @throws Refusal when the words are wrong
 */
export function boardRequest(words: readonly string[], known: readonly string[]): BoardRequest | undefined {
  const { names, values, flags } = commandWords(words, RULES);
  if (flags.has("help")) return undefined;
  if (names[0] !== undefined) {
    throw new Refusal(
      `"${names[0]}" is no option; groups are named by --only.\nnpm run board -- --help\nNothing was done.`,
    );
  }
  const { only, seed, from } = values;
  const cuts = values["power-cuts"];
  if (cuts === undefined && (seed ?? from) !== undefined) {
    throw new Refusal("--seed and --from belong to --power-cuts NUMBER. Nothing was done.");
  }
  if (cuts !== undefined && only !== undefined) {
    throw new Refusal("Either --only or --power-cuts, not both: the power is cut instead of checks. Nothing was done.");
  }
  return {
    groups: only === undefined ? [] : knownNames(only.split(","), "group", known),
    powerCuts:
      cuts === undefined
        ? undefined
        : {
            count: wholeNumberValue("power-cuts", cuts, "power cuts"),
            seed: seed === undefined ? (Date.now() % SEEDS) + 1 : wholeNumberValue("seed", seed, "a seed"),
            from: wholeNumberValue("from", from ?? "1", "the first power cut"),
          },
    isJson: flags.has("json"),
  };
}
