// SPDX-License-Identifier: GPL-2.0-only
// Runs a rule over snippets of TypeScript, with types, as a test of node --test.

import path from "node:path";
import { describe, it } from "node:test";
import { RuleTester } from "eslint";
import tseslint from "typescript-eslint";

RuleTester.describe = describe;
RuleTester.it = it;

const root = path.resolve(import.meta.dirname, "..");
const tester = new RuleTester({ languageOptions: { parser: tseslint.parser } });

/** A file that exists, so that there are types; its text is the snippet's. */
const TYPED_PLACE = "src/wire/word.ts";
const TYPED = { parserOptions: { project: "tsconfig.json", tsconfigRootDir: root } };

function snippet(code, { place, options = [] }) {
  const filename = path.join(root, place ?? TYPED_PLACE);
  return { code, filename, options, languageOptions: place === undefined ? TYPED : {} };
}

/** A snippet that the rule accepts; `place` is a file it pretends to be, where no types are needed. */
export function right(code, settings = {}) {
  return { name: `accepts: ${code} ${settings.place ?? ""}`, ...snippet(code, settings) };
}

/** A snippet that the rule refuses, with the identifiers of its messages. */
export function wrong(code, messageIds, settings = {}) {
  const errors = messageIds.map((messageId) => ({ messageId }));
  return { name: `refuses: ${code} ${settings.place ?? ""}`, ...snippet(code, settings), errors };
}

export function testRule(name, rule, snippets) {
  const valid = snippets.filter(({ errors }) => errors === undefined);
  const invalid = snippets.filter(({ errors }) => errors !== undefined);
  tester.run(name, rule, { valid, invalid });
}
