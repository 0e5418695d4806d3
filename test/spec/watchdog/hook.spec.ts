// SPDX-License-Identifier: GPL-2.0-only
// The hook: run with what happened in its environment, one call at a time, and ended when it hangs.

import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import { readFile } from "../../../src/system/files";
import { Hook } from "../../../src/watchdog/hook";

const FOLDER = os.tmpname();
const PROGRAM = `${FOLDER}.sh`;
const OUTPUT = `${FOLDER}.out`;
const LIMIT_MS = 300;

function install(script: string): void {
  const [file] = io.open(PROGRAM, "w");
  file!.write(`#!/bin/sh\n${script}\n`);
  file!.close();
  os.execute(`chmod 755 ${PROGRAM}; rm -f ${OUTPUT}`);
}

function output(): string {
  return readFile(OUTPUT, 1000)[0] ?? "";
}

describe("a hook", () => {
  let problems: string[];
  let hook: Hook;
  const loop = new EventLoop();

  before_each(() => {
    problems = [];
    hook = new Hook(loop, PROGRAM, LIMIT_MS, (problem) => {
      problems.push(problem);
    });
  });

  after_each(() => {
    os.execute(`rm -f ${FOLDER} ${PROGRAM} ${OUTPUT}`);
  });

  function runFor(durationMs: number): void {
    const endMs = monotonicMs() + durationMs;
    for (let nowMs = monotonicMs(); nowMs < endMs; nowMs = monotonicMs()) {
      loop.runOnce(10);
      hook.tick(nowMs);
    }
  }

  it("is told what happened by its environment", () => {
    install(`echo "$TUNNEL $STATE: $CAUSE" >> ${OUTPUT}`);
    hook.run("office", { TUNNEL: "office", STATE: "up", CAUSE: "the epoch was answered; rm -rf $HOME" });
    runFor(200);
    assert.equal("office up: the epoch was answered; rm -rf $HOME\n", output());
    assert.same([], problems);
  });

  it("sees the latest state of each tunnel when states change faster than it runs", () => {
    install(`echo "$TUNNEL $STATE" >> ${OUTPUT}; sleep 0.1`);
    hook.run("office", { TUNNEL: "office", STATE: "confirming" });
    runFor(30);
    hook.run("office", { TUNNEL: "office", STATE: "recovering" });
    hook.run("branch", { TUNNEL: "branch", STATE: "down" });
    hook.run("office", { TUNNEL: "office", STATE: "up" });
    runFor(600);
    assert.equal("office confirming\nbranch down\noffice up\n", output());
  });

  it("is ended when it hangs, and the next call runs", () => {
    install(`[ "$STATE" = up ] || sleep 60; echo "$STATE" >> ${OUTPUT}`);
    hook.run("office", { STATE: "down" });
    hook.run("branch", { STATE: "up" });
    runFor(LIMIT_MS + 300);
    assert.equal("up\n", output());
    assert.same([`env: killed, not done after ${LIMIT_MS} ms`], problems);
  });

  it("that fails is told", () => {
    install("echo no such lamp >&2; exit 3");
    hook.run("office", { STATE: "up" });
    runFor(200);
    assert.same(["status 3: no such lamp\n"], problems);
  });
});
