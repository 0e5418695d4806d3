// SPDX-License-Identifier: GPL-2.0-only
// Reading and writing numbers in network byte order, on flat memory and on Lua tables alike.

import { Bytes, read16, readWord, write16, writeWord } from "../../../src/wire/bytes";
import { bufferOf, hex, newBuffer, newTableBuffer, octetsOf, tableBufferOf } from "../frame";

/** Runs a block with both kinds of buffer. */
function onBothKinds(octets: number[], block: (bytes: Bytes) => void): void {
  block(bufferOf(octets));
  block(tableBufferOf(octets));
}

describe("bytes", () => {
  it("reads 16 bits with the high byte first, at odd places too", () => {
    onBothKinds(hex("01 ff 80 00"), (bytes) => {
      assert.equal(0x01ff, read16(bytes, 0));
      assert.equal(0xff80, read16(bytes, 1));
      assert.equal(0x8000, read16(bytes, 2));
    });
  });

  it("reads 32 bits as a signed word", () => {
    onBothKinds(hex("00 7f ff ff ff 80 00 00 00"), (bytes) => {
      assert.equal(0x7fffff, readWord(bytes, 0));
      assert.equal(0x7fffffff, readWord(bytes, 1));
      assert.equal(-128, readWord(bytes, 2));
      assert.equal(-0x80000000, readWord(bytes, 5));
    });
  });

  it("writes the low 16 bits of a number and nothing beside them", () => {
    onBothKinds(hex("aa aa aa aa"), (bytes) => {
      write16(bytes, 1, 0x12345);
      assert.same(hex("aa 23 45 aa"), octetsOf(bytes, 0, 4));
    });
  });

  it("writes signed and unsigned words alike", () => {
    for (const bytes of [newBuffer(6), newTableBuffer(6)]) {
      writeWord(bytes, 1, -2);
      assert.same(hex("00 ff ff ff fe 00"), octetsOf(bytes, 0, 6));
      writeWord(bytes, 1, 0xc0a80001);
      assert.same(hex("00 c0 a8 00 01 00"), octetsOf(bytes, 0, 6));
      assert.equal(-0x3f57ffff, readWord(bytes, 1));
    }
  });
});
