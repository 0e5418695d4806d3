// SPDX-License-Identifier: GPL-2.0-only
// Splits TypeScriptToLua's bundle in three: the core, which the router and the everyday commands need, the offload, which
// the router needs where the kernel can have packets, and the rest.
//
// The router runs for months on boards with little memory, and what it never calls must not lie in it: the endpoint, the
// self-test, and OpenWrt's configuration are loaded from a file of their own when they are first required, and so is the
// offload (src/app/rest-loader.lua).

/** A line of the bundle, and what it was made from. */
export interface Line<Origin> {
  readonly code: string;
  readonly origin: Origin | undefined;
}

export interface Split<Origin> {
  /** The program without the modules of the other two. */
  readonly core: readonly Line<Origin>[];
  /** The entries of a table of modules, by name. */
  readonly offload: readonly Line<Origin>[];
  /** Likewise. */
  readonly rest: readonly Line<Origin>[];
}

/** As TypeScriptToLua writes them: an entry of its table, and an import, whose local has a name that no code of ours has. */
const MODULE_HEAD = /^\["([^"]+)"\] = function\(\.\.\.\)$/;
const IMPORT = /^local ____\w+ = require\("([^"]+)"\)/;
const TABLE_HEAD = "____modules = {";
const TABLE_END = "}";

/** What the roots import, and what that imports, and so on. What is required within a function is not imported. */
function reachable(modules: ReadonlyMap<string, readonly { code: string }[]>, roots: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const ahead = [...roots];
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const lines = modules.get(name);
    if (lines === undefined || reached.has(name)) continue;
    reached.add(name);
    ahead.push(...lines.flatMap(({ code }) => IMPORT.exec(code)?.[1] ?? []));
  }
  return reached;
}

/**
 * @param lines of the bundle, without indentation
 * @param roots names of modules, as "src.app.router": they and all that they import are the core
 * @param offloadRoots likewise: of what is not the core, they and all that they import are the offload
 */
export function splitBundle<Origin>(
  lines: readonly Line<Origin>[],
  roots: readonly string[],
  offloadRoots: readonly string[],
): Split<Origin> {
  const first = lines.findIndex(({ code }) => code === TABLE_HEAD) + 1;
  const end = lines.findLastIndex(({ code }) => code === TABLE_END);
  const modules = new Map<string, Line<Origin>[]>();
  let current: Line<Origin>[] = [];
  for (const line of lines.slice(first, end)) {
    const name = MODULE_HEAD.exec(line.code)?.[1];
    if (name !== undefined) modules.set(name, (current = []));
    current.push(line);
  }
  const core = reachable(modules, roots);
  const offload = reachable(modules, offloadRoots);
  const chosen = (isWanted: (name: string) => boolean): Line<Origin>[] =>
    [...modules].flatMap(([name, text]) => (isWanted(name) ? text : []));
  return {
    core: [...lines.slice(0, first), ...chosen((name) => core.has(name)), ...lines.slice(end)],
    offload: chosen((name) => !core.has(name) && offload.has(name)),
    rest: chosen((name) => !core.has(name) && !offload.has(name)),
  };
}
