// SPDX-License-Identifier: GPL-2.0-only
// The counts that `npm test` adds up are those that the runners print.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countBoardChecks, countBusted, countLuaunit, countNodeTest } from "../../src/host/test-count.js";

describe("the count of a run", () => {
  it("of busted takes failures, errors and pending specs as failed", () => {
    const output = "●●◼\n12 successes / 1 failure / 2 errors / 3 pending : 0.02 seconds\n";
    assert.deepEqual(countBusted(output), { passed: 12, failed: 6 });
    assert.deepEqual(countBusted("1 success / 0 failures / 0 errors / 0 pending : 0 seconds"), {
      passed: 1,
      failed: 0,
    });
  });

  it("of luaunit takes all that is no success as failed", () => {
    const output = "Ran 12 tests in 0.001 seconds, 9 successes, 1 failure, 1 error, 1 skipped\n";
    assert.deepEqual(countLuaunit(output), { passed: 9, failed: 3 });
  });

  it("of node --test takes skipped and cancelled tests as failed", () => {
    const output = "# tests 5\n# suites 2\n# pass 3\n# fail 0\n# cancelled 1\n# skipped 1\n# todo 0\n";
    assert.deepEqual(countNodeTest(output), { passed: 3, failed: 2 });
  });

  it("of the board's checks takes those that were not reached as failed", () => {
    const output = "FAILED: a client gets an address\n3 of 5 checks passed.\n";
    assert.deepEqual(countBoardChecks(output), { passed: 3, failed: 2 });
  });

  it("is unknown when the runner broke off", () => {
    for (const count of [countBoardChecks, countBusted, countLuaunit, countNodeTest])
      assert.equal(count("Segmentation fault"), undefined);
  });
});
