// SPDX-License-Identifier: GPL-2.0-only
// When silence is long enough to be asked about.

import { Silence } from "../../../src/epoch/silence";
import { CLIENT } from "./tunnel-run";

const PARAMETERS = { ...CLIENT, trafficIdleMs: 500, maxIdleMs: 10000 };
const TIMEOUT_MS = 250;

describe("a tunnel that was answered", () => {
  let silence: Silence;

  before_each(() => {
    silence = new Silence(PARAMETERS);
  });

  it("is pinged after maxidle when nothing goes out", () => {
    assert.equal(10100, silence.dueMs(100, TIMEOUT_MS));
  });

  it("is pinged after three timeouts when packets go out, but not before trafficidle", () => {
    silence.sent();
    assert.equal(850, silence.dueMs(100, TIMEOUT_MS));
    assert.equal(600, silence.dueMs(100, 50));
  });

  it("on a slow network is never pinged later than maxidle", () => {
    silence.sent();
    assert.equal(10100, silence.dueMs(100, 60000));
  });

  it("is idle again when a packet comes in", () => {
    silence.sent();
    silence.heard(false);
    assert.equal(10100, silence.dueMs(100, TIMEOUT_MS));
  });

  it("that carries a stream one way is pinged more and more seldom, until something comes in by itself", () => {
    const waits: number[] = [];
    for (const _ of $range(1, 6)) {
      silence.sent();
      waits.push(silence.dueMs(0, TIMEOUT_MS));
      silence.heard(true);
    }
    assert.same([750, 1500, 3000, 6000, 10000, 10000], waits);
    silence.heard(false);
    silence.sent();
    assert.equal(750, silence.dueMs(0, TIMEOUT_MS));
  });
});
