// SPDX-License-Identifier: GPL-2.0-only
// A run leaves nothing: not when it is told to end, and when it is killed, nothing that the next run does not sweep.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isAlive } from "../../../src/host/lock.js";
import { makeRunFolder, sweepTraces } from "../../../src/host/run-traces.js";

const RUN = fileURLToPath(new URL("run.js", import.meta.url));
/** The kernel ends a child at once; a busy machine may take its time. */
const DEATH_LIMIT_MS = 20_000;
const LOOK_MS = 50;

interface Traces {
  readonly folder: string;
  readonly namespace: string;
  readonly child: number;
}

async function startRun(): Promise<{ run: ChildProcess; traces: Traces }> {
  const run = spawn(process.execPath, [RUN], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = (await once(run.stdout, "data")) as [Buffer];
  return { run, traces: JSON.parse(text.toString()) as Traces };
}

async function end(run: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(run, "exit") as Promise<[number | null]>;
  run.kill(signal);
  return (await ended)[0];
}

function isThere({ folder, namespace }: Traces): [boolean, boolean] {
  return [fs.existsSync(folder), fs.existsSync(path.join("/run/netns", namespace))];
}

async function assertDies(pid: number): Promise<void> {
  const endMs = performance.now() + DEATH_LIMIT_MS;
  while (isAlive(pid)) {
    assert.ok(performance.now() < endMs, "the child outlived its run");
    await sleep(LOOK_MS);
  }
}

describe("the traces of a run", () => {
  it("are gone when it is told to end, and so is what it started", async () => {
    const { run, traces } = await startRun();
    assert.deepEqual(isThere(traces), [true, true]);
    assert.equal(await end(run, "SIGTERM"), 143);
    assert.deepEqual(isThere(traces), [false, false]);
    await assertDies(traces.child);
  });

  it("are swept by the next run when it was killed; what it started has died with it", async () => {
    const { run, traces } = await startRun();
    await end(run, "SIGKILL");
    await assertDies(traces.child);
    assert.deepEqual(isThere(traces), [true, true]);
    sweepTraces();
    assert.deepEqual(isThere(traces), [false, false]);
  });

  it("are left alone while it runs", async () => {
    const { run, traces } = await startRun();
    const ours = makeRunFolder("traces");
    sweepTraces();
    assert.deepEqual(isThere(traces), [true, true]);
    assert.ok(fs.existsSync(ours.name));
    ours.remove();
    assert.ok(!fs.existsSync(ours.name));
    await end(run, "SIGTERM");
  });
});
