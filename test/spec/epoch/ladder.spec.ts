// SPDX-License-Identifier: GPL-2.0-only
// The escalation ladder by itself: which step, when, and why.

import { actionsMost, type Evidence, Ladder, type Step } from "../../../src/epoch/ladder";

const MINUTE = 60000;
const HOUR = 60 * MINUTE;

const ALONE: Evidence = { isWanUp: true, doesServerAnswer: undefined, othersAlive: 0, othersDead: 0 };

/** A ladder whose random numbers are all the same. */
function ladderOf(random: number): Ladder {
  return new Ladder(() => random);
}

/** The next step, taken at its time. */
function climb(ladder: Ladder, nowMs: number, evidence: Evidence, hasEpoch = true): Step {
  const step = ladder.next(nowMs, evidence, hasEpoch)!;
  ladder.took(step.action, step.atMs);
  return step;
}

describe("the ladder", () => {
  it("tries two rekeys at once, then a new IKE session, while IKE makes epochs", () => {
    const ladder = ladderOf(0.5);
    const steps = [climb(ladder, 0, ALONE), climb(ladder, 10, ALONE), climb(ladder, 20, ALONE)];
    assert.same(
      [
        { action: "rekey", atMs: 0, because: "pings were not answered" },
        { action: "rekey", atMs: 10, because: "pings were not answered" },
        { action: "new-ike", atMs: 20, because: "2 rekeys did not help" },
      ],
      steps,
    );
  });

  it("does not repeat a rekey in an IKE session that does not answer", () => {
    const ladder = ladderOf(0.5);
    climb(ladder, 0, ALONE);
    ladder.failed("rekey");
    assert.equal("new-ike", climb(ladder, 10, ALONE).action);
  });

  it("initiates where there is no epoch to rekey", () => {
    const ladder = ladderOf(0.5);
    assert.equal("initiate", climb(ladder, 0, ALONE, false).action);
    ladder.failed("initiate");
    assert.equal("new-ike", climb(ladder, 10, ALONE, false).action);
    ladder.failed("new-ike");
    assert.equal("initiate", climb(ladder, 20, ALONE, false).action);
  });

  it("pauses after a whole climb, twice as long each time, up to five minutes", () => {
    const ladder = ladderOf(0.5);
    const pauses: number[] = [];
    let nowMs = 0;
    for (const _ of $range(1, 9)) {
      // Long waits between, so that the budget is no limit.
      for (const _ of $range(1, 3)) nowMs = climb(ladder, nowMs, ALONE).atMs + 10 * MINUTE;
      pauses.push(ladder.next(nowMs, ALONE, true)!.atMs - nowMs);
    }
    assert.same([5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000, 300000], pauses);
  });

  it("draws a pause from a quarter around its length", () => {
    const pauseOf = (random: number): number => {
      const ladder = ladderOf(random);
      for (const _ of $range(1, 3)) climb(ladder, 0, ALONE);
      return ladder.next(0, ALONE, true)!.atMs;
    };
    assert.same([3750, 5000, 6250], [pauseOf(0), pauseOf(0.5), pauseOf(1)]);
  });

  it("does nothing while the WAN is down", () => {
    assert.is_nil(ladderOf(0.5).next(0, { ...ALONE, isWanUp: false }, true));
  });

  it("waits while the server answers nobody, but not for ever", () => {
    const step = ladderOf(0.5).next(0, { ...ALONE, doesServerAnswer: false }, true)!;
    assert.equal(30000, step.atMs);
  });

  it("acts at once when the server is known to answer", () => {
    assert.equal(0, ladderOf(1).next(0, { ...ALONE, doesServerAnswer: true }, true)!.atMs);
  });

  it("spreads the tunnels of a server over two seconds when all are dead", () => {
    const dead = { ...ALONE, othersDead: 9 };
    assert.equal(0, ladderOf(0).next(0, dead, true)!.atMs);
    assert.equal(2000, ladderOf(1).next(0, dead, true)!.atMs);
  });

  it("does not wait for the others when it is this one tunnel, and says so", () => {
    const step = ladderOf(1).next(0, { ...ALONE, othersAlive: 1, othersDead: 3 }, true)!;
    assert.equal(0, step.atMs);
    assert.equal("pings were not answered, other tunnels are", step.because);
  });

  it("starts at the bottom in the next outage", () => {
    const ladder = ladderOf(0.5);
    for (const _ of $range(1, 3)) climb(ladder, 0, ALONE);
    ladder.reset();
    assert.same({ action: "rekey", atMs: 0, because: "pings were not answered" }, ladder.next(0, ALONE, true)!);
  });

  it("keeps to its budget when every outage ends and begins again at once", () => {
    const ladder = ladderOf(0.5);
    const times: number[] = [];
    let nowMs = 0;
    while (nowMs < 3 * HOUR && times.length < 1000) {
      ladder.reset();
      nowMs = climb(ladder, nowMs, ALONE).atMs;
      times.push(nowMs);
    }
    assert.equal(12, times.filter((timeMs) => timeMs === 0).length);
    for (const startMs of times) {
      const inHour = times.filter((timeMs) => timeMs >= startMs && timeMs < startMs + HOUR).length;
      assert.is_true(inHour <= actionsMost(HOUR), `${inHour} actions in an hour`);
    }
    assert.equal(60, times.filter((timeMs) => timeMs >= HOUR && timeMs < 2 * HOUR).length);
  });
});
