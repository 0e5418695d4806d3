// SPDX-License-Identifier: GPL-2.0-only
// What must hold of any text for a person, wherever its words come from: nothing in it steers a terminal.

import { demand } from "./target";

/** Throws when a sentence holds a control character. */
export function demandPrintable(sentences: readonly string[]): void {
  for (const sentence of sentences) {
    demand(string.find(sentence, "%c")[0] === undefined, `a control character in: ${sentence}`);
  }
}

/** Names and numbers of the input left out: what is left tells one kind of sentence from another. */
export function kindOfSentence(sentence: string): string {
  const [aboutName] = string.match(sentence, "(there is no such key; %w+ %w+)");
  if (aboutName !== undefined) return aboutName;
  const [unquoted] = string.gsub(sentence, '".-"', "#");
  return string.sub(string.gsub(unquoted, "[%d.]+", "#")[0], 1, 48);
}
