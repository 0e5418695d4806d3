// SPDX-License-Identifier: GPL-2.0-only
// The router's NAT-loss watch: what it takes for proof, how patient it is, and that it stops again.

import {
  DEFAULT_NAT_LOSS_LIMITS,
  type NatLossPhase,
  NatLossWatch,
  type TunnelUse,
} from "../../../src/watchdog/nat-loss";

const CLIENT = 1;
const SERVER = 2;
const { patienceMs, blockMs, restMs } = DEFAULT_NAT_LOSS_LIMITS;

describe("The NAT-loss watch", () => {
  let watch: NatLossWatch;
  let nowMs: number;
  let use: TunnelUse;
  let wanChangedMs: number | undefined;

  before_each(() => {
    watch = new NatLossWatch(DEFAULT_NAT_LOSS_LIMITS);
    nowMs = 1000000;
    wanChangedMs = undefined;
    use = { client: CLIENT, server: SERVER, lastOutMs: nowMs, lastInMs: nowMs, hasUnseenUnanswered: false };
  });

  /** Lets a time pass in which the client goes on sending. */
  function pass(lengthMs: number): void {
    const endMs = nowMs + lengthMs;
    while (nowMs < endMs) {
      nowMs += 1000;
      use = { ...use, lastOutMs: nowMs };
      watch.tick([use], wanChangedMs, nowMs);
    }
  }

  function phase(): NatLossPhase | undefined {
    return watch.of(CLIENT, SERVER)?.phase;
  }

  it("leaves a tunnel alone that only ever sends one way", () => {
    use = { ...use, lastInMs: undefined };
    pass(10 * patienceMs);
    assert.is_nil(phase());
  });

  it("suspects an unanswered epoch that is older than the router's memory, and stops IKE when patience ends", () => {
    use = { ...use, lastInMs: undefined, hasUnseenUnanswered: true };
    pass(1000);
    assert.equal("suspected", phase());
    pass(patienceMs);
    assert.equal("blocked", phase());
  });

  it("drops the suspicion when the epoch is answered after all", () => {
    use = { ...use, hasUnseenUnanswered: true };
    pass(2000);
    use = { ...use, hasUnseenUnanswered: false };
    pass(1000);
    assert.is_nil(phase());
  });

  it("takes silence since the public address changed for proof", () => {
    wanChangedMs = nowMs;
    pass(1000);
    assert.equal("suspected", phase());
    pass(patienceMs);
    assert.equal("blocked", phase());
  });

  it("does not when something came in since", () => {
    wanChangedMs = nowMs;
    use = { ...use, lastInMs: nowMs + 1 };
    pass(2 * patienceMs);
    assert.is_nil(phase());
  });

  it("is not confused by a client that repeats its question every ten seconds only", () => {
    wanChangedMs = nowMs;
    for (const second of $range(1, 30)) {
      nowMs += 1000;
      if (second === 1 || second === 11 || second === 21) use = { ...use, lastOutMs: nowMs };
      watch.tick([use], wanChangedMs, nowMs);
    }
    assert.equal("blocked", phase());
  });

  it("does not when the client has stopped using the tunnel", () => {
    wanChangedMs = nowMs;
    for (const _ of $range(1, 60)) {
      nowMs += 1000;
      watch.tick([use], wanChangedMs, nowMs);
    }
    assert.is_nil(phase());
  });

  it("ends the block at the first answer", () => {
    use = { ...use, hasUnseenUnanswered: true };
    pass(patienceMs + 2000);
    assert.equal("blocked", phase());
    use = { ...use, hasUnseenUnanswered: false, lastInMs: nowMs + 500 };
    pass(1000);
    assert.equal("resting", phase());
  });

  it("ends the block in time when nothing comes of it, and rests before it tries again", () => {
    use = { ...use, hasUnseenUnanswered: true };
    pass(patienceMs + blockMs + 3000);
    assert.equal("resting", phase());
    pass(restMs - 10000);
    assert.equal("resting", phase());
    pass(12000);
    assert.equal("suspected", phase());
  });

  it("never stops more sessions at once than its limit", () => {
    const uses: TunnelUse[] = [];
    for (const client of $range(1, DEFAULT_NAT_LOSS_LIMITS.blockedMax + 20)) {
      uses.push({ ...use, client, hasUnseenUnanswered: true, lastOutMs: nowMs });
    }
    watch.tick(uses, undefined, nowMs);
    const laterMs = nowMs + patienceMs;
    watch.tick(
      uses.map((one) => ({ ...one, lastOutMs: laterMs })),
      undefined,
      laterMs,
    );
    const blocked = watch.list().filter((loss) => loss.phase === "blocked");
    assert.equal(DEFAULT_NAT_LOSS_LIMITS.blockedMax, blocked.length);
  });
});
