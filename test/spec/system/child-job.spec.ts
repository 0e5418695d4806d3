// SPDX-License-Identifier: GPL-2.0-only
// Real programs beside a real event loop: they end, hang, close their output, or leave children behind.

import { ChildJob } from "../../../src/system/child-job";
import type { RunResult } from "../../../src/system/child-process";
import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import { collectGarbage, must, outputOf, problemOf, resourcesHeld } from "./network";

const OPTIONS = { timeoutMs: 5000, outputBytesMax: 100_000 };
const TICK_MS = 10;

describe("a program beside the event loop", () => {
  let loop: EventLoop;
  let results: RunResult[];
  let problems: string[];

  before_each(() => {
    loop = new EventLoop();
    results = [];
    problems = [];
  });

  function startJob(argv: string[], options = OPTIONS): ChildJob {
    return must(
      ChildJob.start(loop, argv, options, monotonicMs(), (result, problem) => {
        if (result !== undefined) results.push(result);
        if (problem !== undefined) problems.push(problem);
      }),
    );
  }

  /** Runs the loop until all are over; gives how long that took. */
  function runAll(jobs: readonly ChildJob[]): number {
    const startMs = monotonicMs();
    loop.tick(TICK_MS, (nowMs) => {
      for (const job of jobs) job.tick(nowMs);
    });
    while (jobs.some((job) => job.isRunning()) && monotonicMs() - startMs < 10_000) loop.runOnce(100);
    return monotonicMs() - startMs;
  }

  it("gives its status and both outputs, once", () => {
    const job = startJob(["sh", "-c", "echo out; echo problem >&2; exit 3"]);
    collectGarbage();
    runAll([job]);
    job.tick(monotonicMs());
    assert.same([{ status: 3, output: "out\n", errorOutput: "problem\n" }], results);
    assert.same<string[]>([], problems);
  });

  it("does not keep the loop from other work while it runs", () => {
    const job = startJob(["sleep", "0.3"]);
    let rounds = 0;
    loop.tick(TICK_MS, (nowMs) => {
      rounds += 1;
      job.tick(nowMs);
    });
    while (job.isRunning()) loop.runOnce(100);
    assert.is_true(rounds >= 10, `${rounds} rounds`);
  });

  it("costs the loop no rounds after it closed its output", () => {
    const job = startJob(["sh", "-c", "exec >&- 2>&-; sleep 0.3"]);
    loop.runOnce(200);
    loop.runOnce(200);
    const startMs = monotonicMs();
    loop.runOnce(100);
    assert.is_true(monotonicMs() - startMs >= 95);
    runAll([job]);
    assert.equal(0, results[0].status);
  });

  it("runs at the same time as others", () => {
    const jobs = [1, 2, 3, 4].map(() => startJob(["sleep", "0.4"]));
    assert.is_true(runAll(jobs) < 1200);
    assert.equal(4, results.length);
  });

  it("is killed when its time is over, with what it started", () => {
    const mark = `30.${Math.floor(monotonicMs())}`;
    const job = startJob(["sh", "-c", `sleep ${mark}; true`], { ...OPTIONS, timeoutMs: 200 });
    assert.is_true(runAll([job]) < 3000);
    assert.same(["sh: killed, not done after 200 ms"], problems);
    os.execute("sleep 0.1");
    assert.equal("", outputOf(`ps -e -o args= | grep '[s]leep ${mark}'`));
  });

  it("that leaves a child with its output open is not waited for", () => {
    assert.is_true(runAll([startJob(["sh", "-c", "sleep 3 & echo ok"])]) < 2000);
    assert.equal("ok\n", results[0].output);
  });

  it("has an empty input", () => {
    runAll([startJob(["cat"])]);
    assert.same([{ status: 0, output: "", errorOutput: "" }], results);
  });

  it("gives no more output than may be kept", () => {
    runAll([startJob(["sh", "-c", "yes | head -c 300000"], { ...OPTIONS, outputBytesMax: 1000 })]);
    assert.equal(1000, string.len(results[0].output));
  });

  it("that is not there is named at once", () => {
    const outcome = problemOf(ChildJob.start(loop, ["no-such-program"], OPTIONS, 0, () => undefined));
    assert.equal("no-such-program: cannot be started: No such file or directory", outcome);
  });

  it("can be cancelled", () => {
    const job = startJob(["sleep", "20"]);
    job.cancel();
    assert.is_true(runAll([job]) < 2000);
    assert.same(["sleep: no longer wanted"], problems);
  });

  it("that is abandoned tells nobody", () => {
    const job = startJob(["sleep", "20"]);
    job.abandon();
    runAll([job]);
    assert.same([0, 0], [results.length, problems.length]);
  });

  it("leaves no descriptor behind", () => {
    const before = resourcesHeld();
    for (const _ of $range(1, 10)) {
      runAll([startJob(["true"])]);
      problemOf(ChildJob.start(loop, ["no-such-program"], OPTIONS, 0, () => undefined));
    }
    startJob(["sleep", "20"]).abandon();
    assert.equal(before, resourcesHeld());
  });

  it("leaves no zombie behind, however it ended", () => {
    runAll([startJob(["true"]), startJob(["sleep", "20"], { ...OPTIONS, timeoutMs: 50 })]);
    startJob(["sleep", "20"]).abandon();
    assert.equal("", outputOf("ps -o stat= --ppid $PPID | grep Z"));
  });
});
