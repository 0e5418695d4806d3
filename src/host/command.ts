// SPDX-License-Identifier: GPL-2.0-only
// A command of `npm run`: how it is called, its help, and how it ends.

import { type CommandWords, commandWords, optionHelp, type OptionRules } from "./command-words.js";
import { Refusal } from "./refusal.js";

/** Of a command that did its work, and found that something is not as it should be. */
const NOT_OK = 1;
/** Of a command that was asked for what it cannot do. */
const REFUSED = 2;

const HELP = { help: { does: "this text" } } as const;

export interface Command<Rules extends OptionRules> {
  /** What it is called with after `npm run`, such as "fuzz -- [OPTION...]". */
  readonly usage: string;
  readonly options: Rules;
  /** Does the work. @returns whether all is well @throws Refusal when it cannot be done */
  readonly run: (words: CommandWords<keyof Rules & string>) => Promise<boolean>;
}

/** Runs a command on the words of this process, and sets its exit status. */
export async function runCommand<Rules extends OptionRules>({ usage, options, run }: Command<Rules>): Promise<void> {
  const rules = { ...options, ...HELP };
  try {
    const words = commandWords(process.argv.slice(2), rules);
    if (words.flags.has("help")) console.log(`Usage: npm run ${usage}\n\n${optionHelp(rules)}`);
    else if (!(await run(words))) process.exitCode = NOT_OK;
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    console.error(problem.message);
    process.exitCode = REFUSED;
  }
}

/** For a command that takes options only. @throws Refusal for any other word */
export function refuseNames(names: readonly string[]): void {
  if (names.length > 0) throw new Refusal(`"${names.join(" ")}" is no option; --help names them. Nothing was done.`);
}
