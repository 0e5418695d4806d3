// SPDX-License-Identifier: GPL-2.0-only
// That collect-often.ts does what it says: runs with it as busted's helper, beside the specs that it puts to the test.

import { byteArray, bytePointer, type BytePtr, cast, create } from "../../src/system/ffi";

/** busted runs its helper by itself, so it is known by what it did. */
const POISON = 0xa5;
/** Large, so that nobody else gets the memory at once. */
const BYTES = 20_000;
/** In its middle: the allocator writes into the ends of memory that was given back. */
const AT = 10_000;

/** A pointer to memory that nothing refers to. */
function dangling(): BytePtr {
  return cast(bytePointer, create(byteArray, BYTES));
}

describe("With everything collected at every turn", () => {
  it("memory that nothing refers to is overwritten within a few allocations", () => {
    const pointer = dangling();
    for (const _ of $range(1, 16)) create(byteArray, 8);
    assert.equal(POISON, pointer[AT]);
  });

  it("memory that is referred to stays", () => {
    const kept = create(byteArray, BYTES);
    const pointer = cast(bytePointer, kept);
    for (const _ of $range(1, 64)) create(byteArray, 8);
    assert.equal(0, pointer[AT]);
    assert.equal(0, kept[AT]);
  });

  it("collection comes between any two lines, without an allocation", () => {
    const pointer = dangling();
    let sum = 0;
    for (const at of $range(1, 200_000)) sum += at & 1;
    assert.equal(100_000, sum);
    assert.equal(POISON, pointer[AT]);
  });
});
