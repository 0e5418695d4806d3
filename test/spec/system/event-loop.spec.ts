// SPDX-License-Identifier: GPL-2.0-only
// The event loop and signals: ticks, waiting, and what a program must not do with them.

import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import { declareC } from "../../../src/system/ffi";
import { processId } from "../../../src/system/process";
import { type SignalName, Signals } from "../../../src/system/signals";
import { collectGarbage, must } from "./network";

/** @noSelf */
interface KillLibrary {
  kill(pid: number, signal: number): number;
}

const C = declareC<KillLibrary>("int kill(int pid, int signal);");

const SIGHUP = 1;
const SIGTERM = 15;

describe("the event loop", () => {
  it("ticks about as often as asked, and stops when told", () => {
    const loop = new EventLoop();
    let ticks = 0;
    const startMs = monotonicMs();
    loop.tick(10, () => {
      ticks += 1;
      if (ticks === 5) loop.stop();
    });
    loop.run();
    const tookMs = monotonicMs() - startMs;
    assert.equal(5, ticks);
    assert.is_true(tookMs >= 50 && tookMs < 500, `${tookMs} ms`);
  });

  it("does not make up for missed ticks", () => {
    const loop = new EventLoop();
    let ticks = 0;
    loop.tick(1, () => {
      ticks += 1;
    });
    const untilMs = monotonicMs() + 30;
    while (monotonicMs() < untilMs);
    for (const _ of $range(1, 3)) loop.runOnce(0);
    assert.is_true(ticks >= 1 && ticks <= 3, `${ticks} ticks`);
  });

  it("waits no longer than told", () => {
    const startMs = monotonicMs();
    new EventLoop().runOnce(20);
    const tookMs = monotonicMs() - startMs;
    assert.is_true(tookMs >= 19 && tookMs < 300, `${tookMs} ms`);
  });

  it("calls once, after the delay, what was put off", () => {
    const loop = new EventLoop();
    const called: string[] = [];
    const startMs = monotonicMs();
    loop.after(40, () => called.push("later"));
    loop.after(10, () => called.push("sooner"));
    while (called.length < 2) loop.runOnce(-1);
    const tookMs = monotonicMs() - startMs;
    assert.same(["sooner", "later"], called);
    assert.is_true(tookMs >= 40 && tookMs < 500, `${tookMs} ms`);
    loop.runOnce(20);
    assert.equal(2, called.length);
  });

  it("refuses a tick without end and more descriptors than it can hold", () => {
    const loop = new EventLoop();
    assert.has_error(() => {
      loop.tick(0, () => undefined);
    });
    assert.has_error(() => {
      for (const fd of $range(1000, 1100)) loop.watch(fd, 1, () => undefined);
    });
  });

  it("says when a descriptor was closed while watched", () => {
    const loop = new EventLoop();
    loop.watch(1000, 1, () => undefined);
    assert.has_error(() => {
      loop.runOnce(0);
    });
  });
});

describe("signals", () => {
  it("come as events and no longer end the process", () => {
    const loop = new EventLoop();
    const seen: SignalName[] = [];
    const signals = must(Signals.watch(loop, ["TERM", "HUP"], (name) => seen.push(name)));
    collectGarbage();
    C.kill(processId(), SIGTERM);
    loop.runOnce(1000);
    C.kill(processId(), SIGHUP);
    loop.runOnce(1000);
    assert.same(["TERM", "HUP"], seen);
    signals.close();
    signals.close();
    loop.runOnce(0);
  });
});
