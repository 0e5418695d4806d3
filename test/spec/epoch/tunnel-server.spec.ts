// SPDX-License-Identifier: GPL-2.0-only
// A server's tunnel: it waits as a client does, but neither pings nor recovers by itself.

import { switchByMs } from "../../../src/epoch/parameters";
import { SERVER, TunnelRun } from "./tunnel-run";

const MINUTE = 60000;
const HOUR = 60 * MINUTE;

function serverRun(changes = {}): TunnelRun {
  return new TunnelRun({ ...SERVER, ...changes });
}

function assertNothingOrdered(run: TunnelRun): void {
  assert.equal(0, run.count("ping"));
  assert.equal("", run.actionNames());
}

describe("a server", () => {
  it("holds the data of a first epoch until the client has used it, and does not ping", () => {
    const run = serverRun();
    const spi = run.appear();
    run.wait(MINUTE);
    assert.equal<number | "hold">("hold", run.data());
    assert.is_nil(run.placement().ping);
    run.hear(spi);
    assert.equal<number | "hold">(spi, run.data());
    assertNothingOrdered(run);
  });

  it("stays on the old epoch after a rekey until the client has used the new one: races 1 to 4 find it silent", () => {
    const run = serverRun({ oldEpochMs: HOUR });
    const old = run.appear();
    run.hear(old);
    run.wait(MINUTE);
    const young = run.appear();
    run.wait(MINUTE);
    run.hear(old);
    assert.equal<number | "hold">(old, run.data());
    run.hear(young);
    assert.equal<number | "hold">(young, run.data());
    assertNothingOrdered(run);
  });

  it("holds data when the old epoch goes before the client has used the new one", () => {
    const run = serverRun();
    const old = run.appear();
    run.hear(old);
    run.appear();
    run.wait(500);
    run.vanish(old);
    assert.equal<number | "hold">("hold", run.data());
  });

  it("switches at t0 + keylife - margin of the old epoch at the latest", () => {
    const run = serverRun({ oldEpochMs: 2 * HOUR, keylifeMs: HOUR, clientLeadMs: 0 });
    const old = run.appear();
    const deadlineMs = switchByMs(run.tunnel.parameters, run.nowMs);
    run.hear(old);
    run.wait(40 * MINUTE);
    const young = run.appear();
    assert.equal(deadlineMs, HOUR - SERVER.marginMs + 1000);
    run.wait(deadlineMs - 100 - run.nowMs);
    assert.equal<number | "hold">(old, run.data());
    assert.equal("data moves to the new epoch", run.tunnel.nextStep!.what);
    assert.equal(deadlineMs, run.tunnel.nextStep!.atMs!);
    run.wait(100);
    assert.equal<number | "hold">(young, run.data());
    assertNothingOrdered(run);
  });

  it("keeps the old epoch's deadline when that epoch has gone", () => {
    const run = serverRun({ keylifeMs: HOUR });
    const old = run.appear();
    run.hear(old);
    run.wait(40 * MINUTE);
    const young = run.appear();
    run.vanish(old);
    run.wait(10 * MINUTE);
    assert.equal<number | "hold">("hold", run.data());
    run.wait(2 * MINUTE);
    assert.equal<number | "hold">(young, run.data());
  });

  it("keeps the old epoch's deadline over several rekeys that nobody used", () => {
    const run = serverRun({ keylifeMs: HOUR, oldEpochMs: 2 * HOUR });
    const old = run.appear();
    run.hear(old);
    run.wait(40 * MINUTE);
    run.appear();
    run.wait(5 * MINUTE);
    const youngest = run.appear();
    run.wait(5 * MINUTE);
    assert.equal<number | "hold">(old, run.data());
    run.wait(2 * MINUTE);
    assert.equal<number | "hold">(youngest, run.data());
  });

  it("has no deadline for a first epoch after it lost all others", () => {
    const run = serverRun({ keylifeMs: HOUR });
    const old = run.appear();
    run.hear(old);
    run.wait(40 * MINUTE);
    const young = run.appear();
    run.vanish(old);
    run.vanish(young);
    assert.equal("down", run.tunnel.state);
    run.appear();
    run.wait(HOUR);
    assert.equal<number | "hold">("hold", run.data());
    assertNothingOrdered(run);
  });

  it("neither probes a silent client nor recovers a tunnel that is gone", () => {
    const run = serverRun();
    const spi = run.appear();
    run.hear(spi);
    run.wait(2 * HOUR);
    run.vanish(spi);
    run.wait(2 * HOUR);
    assertNothingOrdered(run);
    assert.equal("down", run.tunnel.state);
  });

  it("that restarts goes on with what it finds", () => {
    const run = serverRun();
    run.tunnel.adopt({ outSpi: 5, inSpi: 1000005, sinceMs: 0, isAnswered: true }, run.nowMs);
    assert.equal<number | "hold">(5, run.data());
    assert.equal("up", run.tunnel.state);
    assertNothingOrdered(run);
  });
});
