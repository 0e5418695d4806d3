// SPDX-License-Identifier: GPL-2.0-only
// The escalation ladder by itself: which step, when, and why.

import { actionsMost, type Evidence, Ladder, type Step } from "../../../src/epoch/ladder";

const MINUTE = 60000;
const HOUR = 60 * MINUTE;

const ALONE: Evidence = {
  isWanUp: true,
  serverAnswers: "unknown",
  othersAlive: 0,
  othersDead: 0,
  hasWayChanged: false,
};
const AMONG_LIVING: Evidence = { ...ALONE, othersAlive: 1 };

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
  it("tries two rekeys at once, then a new IKE session, while other tunnels of the server work", () => {
    const ladder = ladderOf(0.5);
    const steps = [0, 10, 20].map((nowMs) => climb(ladder, nowMs, AMONG_LIVING));
    assert.same(
      [
        { action: "rekey", atMs: 0, because: "pings were not answered, other tunnels are" },
        { action: "rekey", atMs: 10, because: "pings were not answered, other tunnels are" },
        { action: "new-ike", atMs: 20, because: "2 rekeys did not help" },
      ],
      steps,
    );
  });

  it("learns all that a rekey tells from the first one where no tunnel of the server works", () => {
    for (const evidence of [ALONE, { ...ALONE, othersDead: 2 }]) {
      const ladder = ladderOf(0);
      assert.equal("rekey", climb(ladder, 0, evidence).action);
      assert.same({ action: "new-ike", atMs: 10, because: "a rekey did not help" }, climb(ladder, 10, evidence));
    }
  });

  it("starts a new IKE session at once when the way to the server has changed, and then climbs as ever", () => {
    const ladder = ladderOf(0.5);
    const moved = { ...ALONE, hasWayChanged: true };
    assert.same({ action: "new-ike", atMs: 0, because: "the way to the server has changed" }, climb(ladder, 0, moved));
    assert.equal("rekey", climb(ladder, 10, moved).action);
    assert.equal("new-ike", climb(ladder, 20, moved).action);
  });

  it("does not repeat a rekey in an IKE session that does not answer", () => {
    const ladder = ladderOf(0.5);
    assert.equal("rekey", climb(ladder, 0, AMONG_LIVING).action);
    ladder.failed("rekey");
    const because = "the IKE session made no new epoch";
    assert.same({ action: "new-ike", atMs: 10, because }, climb(ladder, 10, AMONG_LIVING));
  });

  it("initiates where there is no epoch to rekey", () => {
    const ladder = ladderOf(0.5);
    assert.equal("initiate", climb(ladder, 0, ALONE, false).action);
    ladder.failed("initiate");
    assert.equal("new-ike", climb(ladder, 10, ALONE, false).action);
    ladder.failed("new-ike");
    assert.equal("initiate", climb(ladder, 20, ALONE, false).action);
  });

  it("pauses between new IKE sessions, twice as long each time, up to five minutes", () => {
    const ladder = ladderOf(0.5);
    const pauses: number[] = [];
    let nowMs = 0;
    climb(ladder, nowMs, ALONE);
    for (const _ of $range(1, 9)) {
      // Long waits between, so that the budget is no limit.
      nowMs = climb(ladder, nowMs, ALONE).atMs + 10 * MINUTE;
      const rekey = climb(ladder, nowMs, ALONE);
      assert.equal("rekey", rekey.action);
      assert.equal(nowMs, rekey.atMs);
      nowMs += 10 * MINUTE;
      pauses.push(ladder.next(nowMs, ALONE, true)!.atMs - nowMs);
    }
    assert.same([5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000, 300000], pauses);
  });

  it("pauses before it initiates again when a new IKE session made no epoch, and not once more after that", () => {
    const ladder = ladderOf(0.5);
    climb(ladder, 0, ALONE, false);
    climb(ladder, 0, ALONE, false);
    ladder.failed("new-ike");
    assert.same({ action: "initiate", atMs: 5000, because: "there is no epoch" }, climb(ladder, 0, ALONE, false));
    ladder.failed("initiate");
    assert.equal(9000, climb(ladder, 9000, ALONE, false).atMs);
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
    const step = ladderOf(0.5).next(0, { ...ALONE, serverAnswers: "no" }, true)!;
    assert.equal(30000, step.atMs);
  });

  it("acts at once when the server is known to answer", () => {
    assert.equal(0, ladderOf(1).next(0, { ...ALONE, serverAnswers: "yes" }, true)!.atMs);
  });

  it("spreads the tunnels of a server over two seconds when all are dead", () => {
    const dead = { ...ALONE, othersDead: 9 };
    assert.equal(0, ladderOf(0).next(0, dead, true)!.atMs);
    const ladder = ladderOf(1);
    assert.equal(2000, climb(ladder, 0, dead).atMs);
    assert.equal(3000, climb(ladder, 3000, dead).atMs);
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
