// SPDX-License-Identifier: GPL-2.0-only
// Integer arithmetic must give the same on LuaJIT and PUC Lua, at the edges above all.

import { divide, modulo, toWord, unsigned } from "../../../src/wire/word";

describe("word", () => {
  it("shows negative words as the upper half of unsigned numbers", () => {
    assert.equal(0, unsigned(0));
    assert.equal(0x7fffffff, unsigned(0x7fffffff));
    assert.equal(0x80000000, unsigned(-0x80000000));
    assert.equal(0xffffffff, unsigned(-1));
  });

  it("takes any integer modulo 2^32 into the signed range", () => {
    assert.equal(0, toWord(0));
    assert.equal(-1, toWord(0xffffffff));
    assert.equal(-0x80000000, toWord(0x80000000));
    assert.equal(5, toWord(0x100000005));
    assert.equal(-5, toWord(-5));
  });

  it("compares serial numbers across the wrap by their difference", () => {
    const beforeWrap = toWord(0xfffffffe);
    const afterWrap = toWord(1);
    assert.equal(3, toWord(afterWrap - beforeWrap));
    assert.equal(-3, toWord(beforeWrap - afterWrap));
  });

  it("divides towards minus infinity, with a remainder that has the divisor's sign", () => {
    assert.equal(3, divide(7, 2));
    assert.equal(-4, divide(-7, 2));
    assert.equal(1, modulo(7, 2));
    assert.equal(2, modulo(-7, 3));
    assert.equal(-2, modulo(7, -3));
    assert.equal(-7, divide(-7, 3) * 3 + modulo(-7, 3));
  });
});
