// SPDX-License-Identifier: GPL-2.0-only
// LuaJIT gives a small function up for good when interpreted code calls it often; it is to have another chance.

import { Compiler } from "../../../src/system/compiler";

/** More than the ten attempts take, each after twice as many calls as the one before. */
const CALLS = 400_000;
/** When the first look comes, and how long after it the second one: for what is given up twice, twice as long. */
const FIRST_LOOK_MS = 10_000;
const SECOND_LOOK_MS = 20_000;

/** Calls the function from a loop that is never compiled, because it makes a closure each time round. */
function callInterpreted(called: (value: number) => number): number {
  let total = 0;
  for (const step of $range(1, CALLS)) {
    const closure = (): number => step;
    total = called(total) + closure() - step;
  }
  return total;
}

/** Built-in code, of which the compiler cannot tell where it returns to. */
const absolute = math.abs;

function addOne(value: number): number {
  return absolute(value + 1);
}

describe("The compiler", () => {
  it("starts afresh when it gave up a function, only then, and less and less often", () => {
    const compiler = new Compiler();
    compiler.start();
    assert.equal(CALLS, callInterpreted(addOne));
    assert.is_true(compiler.aborts > 0);
    const before = compiler.flushes;
    compiler.tick(FIRST_LOOK_MS - 1);
    assert.equal(before, compiler.flushes);
    compiler.tick(FIRST_LOOK_MS);
    assert.equal(before + 1, compiler.flushes);
    assert.equal(CALLS, callInterpreted(addOne));
    compiler.tick(FIRST_LOOK_MS + SECOND_LOOK_MS - 1);
    assert.equal(before + 1, compiler.flushes);
    compiler.tick(FIRST_LOOK_MS + SECOND_LOOK_MS);
    assert.equal(before + 2, compiler.flushes);
    compiler.tick(FIRST_LOOK_MS + 4 * SECOND_LOOK_MS);
    assert.equal(before + 2, compiler.flushes);
  });
});
