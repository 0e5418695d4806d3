// SPDX-License-Identifier: GPL-2.0-only
// A command of `npm test` ends in time, and takes along what it started.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runBounded } from "../../src/host/bounded-process.js";

const GENEROUS_MS = 20_000;

async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await sleep(50);
  }
  return false;
}

describe("a bounded process", () => {
  it("hands back all that it printed and that it went well", async () => {
    const ending = await runBounded(["sh", "-c", "echo out; echo err >&2"], GENEROUS_MS);
    assert.deepEqual(
      { ...ending, output: ending.output.split("\n").sort() },
      {
        output: ["", "err", "out"],
        isSuccess: true,
        problem: "",
      },
    );
  });

  it("tells the status it failed with", async () => {
    const ending = await runBounded(["sh", "-c", "exit 3"], GENEROUS_MS);
    assert.equal(ending.problem, "it ended with status 3");
  });

  it("is ended when its time is over", async () => {
    const ending = await runBounded(["sleep", "30"], 200);
    assert.equal(ending.isSuccess, false);
    assert.equal(ending.problem, "it did not end within 0.2 s");
  });

  it("leaves no child behind", async () => {
    const ending = await runBounded(["sh", "-c", "sleep 30 >/dev/null 2>&1 & echo $!"], GENEROUS_MS);
    assert.equal(ending.problem, "");
    assert.ok(await isGone(Number(ending.output)), `process ${ending.output} still runs`);
  });

  it("says so when the command does not exist", async () => {
    const ending = await runBounded(["vpnmasq-no-such-command"], GENEROUS_MS);
    assert.match(ending.problem, /could not be started/);
  });
});
