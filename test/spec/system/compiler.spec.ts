// SPDX-License-Identifier: GPL-2.0-only
// LuaJIT gives a small function up for good when interpreted code calls it often; it is to have another chance.

import { Compiler } from "../../../src/system/compiler";

/** More than the ten attempts take, each after twice as many calls as the one before. */
const CALLS = 400_000;
/** Longer than the compiler waits between two looks. */
const LATER_MS = 20_000;

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
  it("starts afresh when it gave up a function, and only then", () => {
    const compiler = new Compiler();
    compiler.start();
    assert.equal(CALLS, callInterpreted(addOne));
    assert.is_true(compiler.aborts > 0);
    const before = compiler.flushes;
    compiler.tick(LATER_MS);
    assert.equal(before + 1, compiler.flushes);
    compiler.tick(2 * LATER_MS);
    assert.equal(before + 1, compiler.flushes);
  });
});
