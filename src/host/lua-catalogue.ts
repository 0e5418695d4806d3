// SPDX-License-Identifier: GPL-2.0-only
// What a Lua program can do, by its own list: scenarios, measurements, targets. The list is in one place, the program.

import { execFileSync } from "node:child_process";
import { wrap } from "./page.js";

const LUA_FOLDER = "build/lua";

export interface CatalogueEntry {
  readonly name: string;
  readonly explanation: string;
}

/** @param program as LuaJIT finds it in the folder of compiled modules */
export function readCatalogue<Entry extends CatalogueEntry>(program: string): Entry[] {
  const env = { ...process.env, LUA_PATH: "./?.lua;;" };
  return JSON.parse(execFileSync("luajit", [program, "--list"], { cwd: LUA_FOLDER, encoding: "utf8", env })) as Entry[];
}

/** For a person, or as JSON. */
export function catalogueText(catalogue: readonly CatalogueEntry[], isJson: boolean): string {
  if (isJson) return JSON.stringify(catalogue, undefined, 2);
  return catalogue.map(({ name, explanation }) => `${name}\n${wrap(explanation, "    ")}`).join("\n");
}
