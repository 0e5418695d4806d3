// SPDX-License-Identifier: GPL-2.0-only
// The index that all tables are found through: what it holds it finds, up to the load it was made for.

import { KeyIndex, NO_RECORD } from "../../../src/masquerade/key-index";
import { allocateWords, type Words } from "../../../src/masquerade/memory";
import { Random } from "../random";

const ROW_WORDS = 3;
const KEY = { first: 0, second: 1, third: 2 };
const SEED = 0x5eed;

function setKey(rows: Words, record: number, first: number, second: number, third: number): void {
  rows[record * ROW_WORDS] = first;
  rows[record * ROW_WORDS + 1] = second;
  rows[record * ROW_WORDS + 2] = third;
}

/** All records that the index finds under a record's key, in order. */
function recordsLike(index: KeyIndex, rows: Words, record: number): number[] {
  const row = record * ROW_WORDS;
  const found: number[] = [];
  let next = index.findOther(rows[row], rows[row + 1], rows[row + 2], NO_RECORD);
  while (next !== NO_RECORD) {
    found.push(next);
    next = index.findOther(rows[row], rows[row + 1], rows[row + 2], next);
  }
  return found;
}

function randomKeys(count: number, random: Random): Words {
  const rows = allocateWords(count * ROW_WORDS);
  for (const record of $range(0, count - 1)) setKey(rows, record, random.word(), random.word(), random.word());
  return rows;
}

describe("The key index", () => {
  it("finds a record by its key, and none under another", () => {
    const rows = allocateWords(ROW_WORDS * 4);
    const index = new KeyIndex(rows, ROW_WORDS, KEY, 4, SEED);
    setKey(rows, 2, -1, 7, 0x7fffffff);
    assert.is_true(index.insert(2));
    assert.equal(2, index.find(-1, 7, 0x7fffffff));
    assert.equal(NO_RECORD, index.find(-1, 7, 0x7ffffffe));
    assert.equal(NO_RECORD, index.find(7, -1, 0x7fffffff));
  });

  it("finds nothing when it is empty, and nothing under a key of zeros", () => {
    const rows = allocateWords(ROW_WORDS * 4);
    const index = new KeyIndex(rows, ROW_WORDS, KEY, 4, SEED);
    assert.equal(NO_RECORD, index.find(0, 0, 0));
    assert.is_true(index.insert(0));
    assert.equal(0, index.find(0, 0, 0));
  });

  it("a removed record is not found any more, and removing it again changes nothing", () => {
    const rows = allocateWords(ROW_WORDS * 4);
    const index = new KeyIndex(rows, ROW_WORDS, KEY, 4, SEED);
    setKey(rows, 1, 1, 2, 3);
    index.insert(1);
    assert.is_true(index.remove(1));
    assert.equal(NO_RECORD, index.find(1, 2, 3));
    assert.is_false(index.remove(1));
  });

  it("visits all records that share a key", () => {
    const rows = allocateWords(ROW_WORDS * 64);
    const index = new KeyIndex(rows, ROW_WORDS, KEY, 64, SEED);
    for (const record of [40, 3, 17]) {
      setKey(rows, record, 5, 5, 5);
      index.insert(record);
    }
    assert.same([3, 17, 40], recordsLike(index, rows, 3));
    const found = index.find(5, 5, 5);
    assert.is_true(found === 3 || found === 17 || found === 40);
    index.remove(17);
    assert.same([3, 40], recordsLike(index, rows, 3));
  });

  it("refuses a ninth record of one key and loses none of the others", () => {
    const rows = allocateWords(ROW_WORDS * 100);
    const index = new KeyIndex(rows, ROW_WORDS, KEY, 100, SEED);
    for (const record of $range(50, 99)) {
      setKey(rows, record, record, -record, 0);
      assert.is_true(index.insert(record));
    }
    let placed = 0;
    for (const record of $range(0, 9)) {
      setKey(rows, record, 1, 1, 1);
      if (index.insert(record)) placed += 1;
    }
    assert.is_true(placed >= 1 && placed <= 8);
    for (const record of $range(50, 99)) assert.equal(record, index.find(record, -record, 0));
    assert.equal(placed, recordsLike(index, rows, 0).length);
  });

  it("takes 100,000 random keys, its whole capacity at 90 % load, and finds each of them", () => {
    const count = 100000;
    const rows = randomKeys(count, new Random(1));
    const index = new KeyIndex(rows, ROW_WORDS, KEY, count, SEED);
    let refused = 0;
    for (const record of $range(0, count - 1)) if (!index.insert(record)) refused += 1;
    assert.equal(0, refused);
    let lost = 0;
    for (const record of $range(0, count - 1)) {
      const row = record * ROW_WORDS;
      if (index.find(rows[row], rows[row + 1], rows[row + 2]) !== record) lost += 1;
    }
    assert.equal(0, lost);
    assert.is_true(index.memoryBytes() / count < 4.6);
  });

  it("takes keys that differ in one bit only as well as random ones", () => {
    const count = 4096;
    const rows = allocateWords(count * ROW_WORDS);
    for (const record of $range(0, count - 1)) setKey(rows, record, 0x0a000001, record << 16, 0x0a000001);
    const index = new KeyIndex(rows, ROW_WORDS, KEY, count, SEED);
    for (const record of $range(0, count - 1)) assert.is_true(index.insert(record));
    for (const record of $range(0, count - 1)) {
      assert.equal(record, index.find(0x0a000001, record << 16, 0x0a000001));
    }
  });

  it("agrees with a plain table over 50,000 random operations, one key in a hundred taken twice", () => {
    const capacity = 500;
    const random = new Random(2);
    const rows = randomKeys(capacity, random);
    for (const record of $range(0, capacity - 1, 100)) {
      const twin = record * ROW_WORDS;
      setKey(rows, record + 1, rows[twin], rows[twin + 1], rows[twin + 2]);
    }
    const index = new KeyIndex(rows, ROW_WORDS, KEY, capacity, SEED);
    const present: boolean[] = [];
    for (const record of $range(0, capacity - 1)) present[record] = false;
    for (const _ of $range(1, 50000)) {
      const record = random.below(capacity);
      if (present[record]) assert.is_true(index.remove(record));
      else assert.is_true(index.insert(record));
      present[record] = !present[record];
      const other = random.below(capacity);
      const expected: number[] = [];
      for (const candidate of $range(Math.max(other - 1, 0), Math.min(other + 1, capacity - 1))) {
        if (present[candidate] && hasSameKey(rows, candidate, other)) expected.push(candidate);
      }
      assert.same(expected, recordsLike(index, rows, other));
      const row = other * ROW_WORDS;
      const found = index.find(rows[row], rows[row + 1], rows[row + 2]);
      assert.is_true(expected.length === 0 ? found === NO_RECORD : expected.includes(found));
    }
  });
});

function hasSameKey(rows: Words, one: number, other: number): boolean {
  for (const word of $range(0, ROW_WORDS - 1)) {
    if (rows[one * ROW_WORDS + word] !== rows[other * ROW_WORDS + word]) return false;
  }
  return true;
}
