// SPDX-License-Identifier: GPL-2.0-only
// docs/development.md says of every npm package why it is there, and of none that is not; each is pinned.

import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";

const { devDependencies, dependencies = {} } = JSON.parse(fs.readFileSync("package.json", "utf8")) as {
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
};
const [, table = ""] = fs.readFileSync("docs/development.md", "utf8").split(/^\| npm package .*\n\|[ |-]+\n/m);
const rows = [
  ...table
    .split("\n\n", 1)
    .join("")
    .matchAll(/^\| (\S+) +\| (.*?) +\|$/gm),
];
/** Packages of types stand in one row. */
const TYPES = "@types/";

describe("the npm packages", () => {
  it("stand in docs/development.md, each with its reason, in order", () => {
    const names = Object.keys(devDependencies).map((name) => (name.startsWith(TYPES) ? `${TYPES}…` : name));
    assert.deepEqual(
      rows.map(([, name]) => name),
      [...new Set(names)].sort(),
    );
    for (const [, name = "", reason = ""] of rows) assert.ok(reason.length > 10, name);
  });

  it("have all packages of types in their row", () => {
    const typed = Object.keys(devDependencies).filter((name) => name.startsWith(TYPES));
    const reason = rows.find(([, name]) => name === `${TYPES}…`)?.[2] ?? "";
    assert.equal(reason.split(": ")[1], typed.map((name) => name.slice(TYPES.length)).join(", "));
  });

  it("are pinned, and none is installed with the program", () => {
    for (const [name, version] of Object.entries(devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.deepEqual(dependencies, {});
  });
});
