// SPDX-License-Identifier: GPL-2.0-only
// Writes the tables of keys in docs/configuration.md from the one schema that also validates (src/app/*-keys.ts).
//
// Usage: npm run reference. A spec (test/spec/app/documentation.spec.ts) fails when it was forgotten.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import * as prettier from "prettier";

const PAGE = "docs/configuration.md";
const PROGRAM = "build/vpnmasq";

/** As `vpnmasq check --keys --json` prints it. */
interface Key {
  readonly key: string;
  readonly accepted: string;
  /** Undefined: the key must be given. */
  readonly standard?: unknown;
  readonly explanation: string;
  readonly live: boolean;
}

const HEADER = ["Key", "Accepted", "When absent", "Change counts after", "What it is for"];

function tableOf(keys: readonly Key[]): string {
  const rows = keys.map(({ key, accepted, standard, explanation, live }) => {
    const standardText = standard === undefined ? "must be given" : JSON.stringify(standard);
    return [`\`${key}\``, accepted, standardText, live ? "reload" : "restart", explanation];
  });
  return [HEADER, HEADER.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The page with the table that follows each mark `<!-- keys: SECTION -->` replaced. */
function withTables(page: string, tables: Readonly<Record<string, readonly Key[]>>): string {
  return page.replace(/(<!-- keys: (\w+) -->\n\n)(?:\|.*\n)*/g, (_, mark: string, section: string) => {
    const keys = tables[section];
    if (keys === undefined) throw new Error(`${PAGE}: there are no keys of "${section}"`);
    return `${mark}${tableOf(keys)}\n`;
  });
}

const tables = JSON.parse(execFileSync(PROGRAM, ["check", "--keys", "--json"], { encoding: "utf8" })) as Record<
  string,
  Key[]
>;
const options = (await prettier.resolveConfig(PAGE)) ?? {};
const page = withTables(fs.readFileSync(PAGE, "utf8"), tables);
fs.writeFileSync(PAGE, await prettier.format(page, { ...options, parser: "markdown" }));
