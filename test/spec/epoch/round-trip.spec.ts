// SPDX-License-Identifier: GPL-2.0-only
// Waits for an answer against RFC 6298's own arithmetic.

import { RoundTrip } from "../../../src/epoch/round-trip";

const LEAST = 200;
const MOST = 3000;

describe("the wait for an answer", () => {
  it("is the shortest allowed while nothing was measured, and doubles up to the longest", () => {
    const roundTrip = new RoundTrip();
    const waits = [1, 2, 3, 4, 5, 6].map((attempt) => roundTrip.timeoutMs(attempt, LEAST, MOST));
    assert.same([200, 400, 800, 1600, 3000, 3000], waits);
  });

  it("is three times the first measurement", () => {
    const roundTrip = new RoundTrip();
    roundTrip.measured(100);
    assert.equal(100, roundTrip.meanMs);
    assert.equal(100 + 4 * 50, roundTrip.timeoutMs(1, LEAST, MOST));
  });

  it("follows mean and deviation as RFC 6298 has it", () => {
    const roundTrip = new RoundTrip();
    roundTrip.measured(100);
    roundTrip.measured(180);
    assert.near(110, roundTrip.meanMs!, 1e-9);
    assert.near(110 + 4 * (0.75 * 50 + 0.25 * 80), roundTrip.timeoutMs(1, LEAST, MOST), 1e-9);
  });

  it("of a steady network comes near to its round-trip time, but not below the shortest", () => {
    const roundTrip = new RoundTrip();
    for (const _ of $range(1, 100)) roundTrip.measured(500);
    assert.near(500, roundTrip.timeoutMs(1, LEAST, MOST), 1);
    const quick = new RoundTrip();
    for (const _ of $range(1, 100)) quick.measured(1);
    assert.equal(LEAST, quick.timeoutMs(1, LEAST, MOST));
  });

  it("stays within its bounds after any number of attempts", () => {
    const roundTrip = new RoundTrip();
    roundTrip.measured(60000);
    assert.equal(MOST, roundTrip.timeoutMs(1, LEAST, MOST));
    assert.equal(MOST, roundTrip.timeoutMs(5000, LEAST, MOST));
  });
});
