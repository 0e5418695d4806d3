// SPDX-License-Identifier: GPL-2.0-only
// The installed bundle: its errors name the TypeScript source, and the file and line are the right ones.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { selfUnpacking } from "../../src/host/bundle.js";
import { compileBundle, readConfiguration } from "../../src/host/compile.js";

const PROGRAM = "test/spec/app/failing-program.ts";
/** What the program requires within a function: it is in the second file. */
const REST = "test/spec/app/failing-rest.ts";

/** The smaller boards have 16 MB of flash for the whole system. (The package as a whole has a bound of its own.) */
const BUNDLE_BYTES_MAX = 150_000;

/** The line of the program that a comment says is the one of `place`. */
function lineOf(file: string, place: string): number {
  return (
    fs
      .readFileSync(file, "utf8")
      .split("\n")
      .findIndex((line) => line.includes(`// the line of "${place}"`)) + 1
  );
}

describe("a stack trace of the bundle", () => {
  let folder = "";
  let bundle = "";

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-bundle-"));
    bundle = path.join(folder, "vpnmasq.lua");
    const { core, rest } = compileBundle(PROGRAM, readConfiguration());
    fs.writeFileSync(bundle, core);
    fs.writeFileSync(path.join(folder, "vpnmasq-rest.lua"), await selfUnpacking(rest, "vpnmasq-rest.lua"));
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  for (const [file, place] of [
    [PROGRAM, "raise"],
    [PROGRAM, "miscalculate"],
    [REST, "rest"],
  ] as const) {
    it(`names the file and line of "${place}" in the message and in the frames`, () => {
      const trace = execFileSync("luajit", [bundle, place], { encoding: "utf8" });
      const position = `${file}:${String(lineOf(file, place))}`;
      const lines = trace.split("\n");
      assert.ok(lines[0]?.startsWith(`${position}: `), trace);
      assert.ok(
        lines.slice(1).some((line) => line.includes(`${position}: in `)),
        trace,
      );
    });
  }

  it("names the bundle only for the lines that no source stands behind, those of its loader", () => {
    const trace = execFileSync("luajit", [bundle, "raise"], { encoding: "utf8" });
    const own = trace.split("\n").filter((line) => line.includes("vpnmasq.lua:"));
    assert.deepEqual(
      own.map((line) => line.replace(/^.*: /, "")),
      ["in function 'require'"],
      trace,
    );
  });
});

describe("the installed bundle", () => {
  it("leaves the board's flash to others", (test) => {
    const { size } = fs.statSync("build/vpnmasq.lua");
    test.diagnostic(`${String(size)} bytes`);
    assert.ok(size <= BUNDLE_BYTES_MAX, `${String(size)} bytes`);
  });
});
