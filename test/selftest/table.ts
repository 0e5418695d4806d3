// SPDX-License-Identifier: GPL-2.0-only
// The table's memory and index: records go in, are found by their key, and go.

import { assertEquals, assertTrue } from "luaunit";
import { KeyIndex, NO_RECORD } from "../../src/masquerade/key-index";
import { allocateWords } from "../../src/masquerade/memory";
import type { Test } from "./test";

const RECORDS = 100;
const WORDS_PER_RECORD = 3;

export const tableTests: Test[] = [
  [
    "a full index finds every record by its key, and none that was removed",
    () => {
      const words = allocateWords(RECORDS * WORDS_PER_RECORD);
      const index = new KeyIndex(words, WORDS_PER_RECORD, { first: 0, second: 1, third: 2 }, RECORDS, 1);
      for (const record of $range(0, RECORDS - 1)) {
        words[record * WORDS_PER_RECORD] = -record;
        words[record * WORDS_PER_RECORD + 1] = record << 24;
        assertTrue(index.insert(record));
      }
      for (const record of $range(0, RECORDS - 1)) assertEquals(index.find(-record, record << 24, 0), record);
      assertTrue(index.remove(7));
      assertEquals(index.find(-7, 7 << 24, 0), NO_RECORD);
      assertEquals(index.find(1, 2, 3), NO_RECORD);
    },
  ],
];
