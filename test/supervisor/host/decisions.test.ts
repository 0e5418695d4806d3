// SPDX-License-Identifier: GPL-2.0-only
// The shared code decides alike wherever it runs: Lua's build and Espruino's are given the same random histories.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { before, describe, it } from "node:test";
import vm from "node:vm";
import { espruinoBundle } from "../../../src/host/espruino-bundle.js";

const SOURCE = "test/spec/supervisor/decision-log.ts";
const SEEDS = [1, 7, 1995, 2_000_000_000];
/** Half a day, and outages enough to empty and refill every budget. */
const SECONDS = 43_200;
const OUTAGES = 500;

function lua(interpreter: string, seed: number): string[] {
  const program = `package.path = "./?.lua;" .. package.path
    bit = bit or require("bit")
    local log = require("test.spec.supervisor.decision-log").decisionLog(${[seed, SECONDS, OUTAGES].join(", ")})
    print(table.concat(log, "\\n"))`;
  return execFileSync(interpreter, ["-e", program], { cwd: "build/lua", encoding: "utf8" }).trimEnd().split("\n");
}

type DecisionLog = (seed: number, supervisedSeconds: number, outages: number) => string[];

/** The ES5 build, run by Node. */
function es5(code: string): DecisionLog {
  const exports: { decisionLog?: DecisionLog } = {};
  vm.runInNewContext(code, { exports });
  assert.ok(exports.decisionLog);
  return exports.decisionLog;
}

/** The ES5 build, run by Espruino itself. */
function espruino(interpreter: string, code: string, seed: number): string[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-espruino-"));
  const call = `exports.decisionLog(${[seed, SECONDS / 12, OUTAGES].join(", ")}).forEach(l => print("decided " + l)); quit();`;
  fs.writeFileSync(path.join(folder, "program.js"), `var exports = {};\n${code}\n${call}\n`);
  const shell = `sleep 60 | timeout 60 "${interpreter}" program.js`;
  const output = execFileSync("sh", ["-c", shell], { cwd: folder, encoding: "utf8" });
  fs.rmSync(folder, { recursive: true });
  return output.split(/\r?\n/).flatMap((line) => (line.startsWith("decided ") ? [line.slice("decided ".length)] : []));
}

describe("random histories are decided alike", () => {
  let code = "";
  before(async () => {
    code = await espruinoBundle(SOURCE, "cjs");
  });

  for (const seed of SEEDS) {
    for (const interpreter of ["luajit", "lua5.1"]) {
      it(`by ${interpreter} and by the ES5 build, seed ${String(seed)}`, () => {
        const decided = lua(interpreter, seed);
        assert.ok(decided.some((line) => line.includes(" reset ")));
        assert.deepEqual([...es5(code)(seed, SECONDS, OUTAGES)], decided);
      });
    }
  }

  const interpreter = process.env.VPNMASQ_ESPRUINO ?? "";
  if (interpreter !== "") {
    it("by Espruino itself, in a twelfth of that time", () => {
      const expected = es5(code)(7, SECONDS / 12, OUTAGES);
      assert.deepEqual(espruino(path.resolve(interpreter), code, 7), [...expected]);
    });
  }
});
