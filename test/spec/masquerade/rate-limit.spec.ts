// SPDX-License-Identifier: GPL-2.0-only
// So many a second and no more, whatever came before.

import { RateLimit } from "../../../src/masquerade/rate-limit";

function admitted(limit: RateLimit, attempts: number, nowMs: number): number {
  let count = 0;
  for (const _ of $range(1, attempts)) {
    if (limit.admit(nowMs)) count += 1;
  }
  return count;
}

describe("A rate limit", () => {
  it("admits as many events in a second as it says", () => {
    assert.equal(3, admitted(new RateLimit(3), 10, 5000));
  });

  it("admits as many again in the next second, and not before", () => {
    const limit = new RateLimit(3);
    admitted(limit, 10, 5000);
    assert.equal(0, admitted(limit, 10, 5999));
    assert.equal(3, admitted(limit, 10, 6000));
  });

  it("saves nothing up over a quiet time", () => {
    const limit = new RateLimit(3);
    admitted(limit, 1, 5000);
    assert.equal(3, admitted(limit, 10, 500000));
  });

  it("of zero admits nothing", () => {
    assert.equal(0, admitted(new RateLimit(0), 10, 5000));
  });

  it("begins at any time, also at zero", () => {
    assert.equal(2, admitted(new RateLimit(2), 5, 0));
  });
});
