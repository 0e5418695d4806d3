// SPDX-License-Identifier: GPL-2.0-only
// The words of a command line, checked: an unknown option is answered with the nearest one and with all that there are.

import { parseArgs } from "node:util";
import { nearestName } from "./nearest-name.js";
import { wrap } from "./page.js";
import { Refusal } from "./refusal.js";

export interface OptionRule {
  /** What the help calls its value; an option without one is a flag. */
  readonly value?: string;
  /** For the help: what it does. */
  readonly does: string;
}

export type OptionRules = Readonly<Record<string, OptionRule>>;

export interface CommandWords<Name extends string> {
  /** The words that are no options, in order. */
  readonly names: readonly string[];
  readonly values: Readonly<Partial<Record<Name, string>>>;
  readonly flags: ReadonlySet<Name>;
}

const HELP_INDENT = "      ";

/** The options of a help text, for 80 columns. */
export function optionHelp(rules: OptionRules): string {
  const entries = Object.entries(rules).map(([name, { value, does }]) => {
    const head = value === undefined ? `  --${name}` : `  --${name} ${value}`;
    return `${head}\n${wrap(does, HELP_INDENT)}`;
  });
  return entries.join("\n");
}

function unknownOption(name: string, rules: OptionRules): Refusal {
  const known = Object.keys(rules);
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "" : ` Did you mean --${nearest}?`;
  const list = wrap(known.map((option) => `--${option}`).join(", "), "  ");
  return new Refusal(`There is no option --${name}.${hint}\nThere are:\n${list}\nNothing was done.`);
}

/**
 * Sorts the words into names, options with values, and flags.
 *
 * @throws Refusal for an option that there is not, that lacks its value, or that takes none
 */
export function commandWords<Rules extends OptionRules>(
  words: readonly string[],
  rules: Rules,
): CommandWords<keyof Rules & string> {
  type Name = keyof Rules & string;
  const options = Object.fromEntries(
    Object.entries(rules).map(
      ([name, { value }]) => [name, { type: value === undefined ? "boolean" : "string" }] as const,
    ),
  );
  const { tokens } = parseArgs({ args: [...words], options, allowPositionals: true, strict: false, tokens: true });
  const names: string[] = [];
  const values: Partial<Record<Name, string>> = {};
  const flags = new Set<Name>();
  for (const token of tokens) {
    if (token.kind === "positional") names.push(token.value);
    if (token.kind !== "option") continue;
    const name = token.name as Name;
    const rule = rules[name];
    if (rule === undefined) throw unknownOption(name, rules);
    if (rule.value === undefined) {
      if (token.value !== undefined) throw new Refusal(`--${name} takes no value. Nothing was done.`);
      flags.add(name);
    } else {
      // A word that is an option is no value: `--log --json` has forgotten the file.
      if (token.value === undefined || (!token.inlineValue && token.value.startsWith("--"))) {
        throw new Refusal(`--${name} needs a value: --${name} ${rule.value}. Nothing was done.`);
      }
      values[name] = token.value;
    }
  }
  return { names, values, flags };
}

/** Names of which there are only so many. @param kind what they name @throws Refusal for another */
export function knownNames(names: readonly string[], kind: string, known: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new Refusal(
    `There is no ${kind} "${unknown}".${hint}\nThere are:\n${wrap(known.join(", "), "  ")}\nNothing was done.`,
  );
}

/** A value as a number above 0. @throws Refusal when it is none */
export function numberValue(name: string, text: string, unit: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) {
    throw new Refusal(`--${name} ${text}: a number of ${unit} above 0 is needed. Nothing was done.`);
  }
  return number;
}

/** A value as a whole number from 1 to `most`. @throws Refusal when it is none */
export function wholeNumberValue(name: string, text: string, unit: string, most = Number.MAX_SAFE_INTEGER): number {
  const number = numberValue(name, text, unit);
  if (Number.isInteger(number) && number <= most) return number;
  const bound = most === Number.MAX_SAFE_INTEGER ? "" : ` up to ${String(most)}`;
  throw new Refusal(`--${name} ${text}: a whole number of ${unit}${bound} is needed. Nothing was done.`);
}
