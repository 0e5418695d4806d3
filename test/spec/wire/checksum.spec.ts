// SPDX-License-Identifier: GPL-2.0-only
// The checksum against the RFCs' own examples, and each incremental update against a full recomputation.

import {
  checksumOf,
  foldSum,
  sumBytes,
  sumPlainHeader,
  sumPseudoHeader,
  updateChecksum16,
  updateChecksumWord,
} from "../../../src/wire/checksum";
import { address, bufferOf, hex, internetChecksum, join, octets16, octets32 } from "../frame";
import { Random } from "../random";

describe("checksum", () => {
  it("sums the example of RFC 1071 section 3", () => {
    const bytes = bufferOf(hex("00 01 f2 03 f4 f5 f6 f7"));
    assert.equal(0xddf2, foldSum(sumBytes(bytes, 0, 8, 0)));
    assert.equal(0x220d, checksumOf(sumBytes(bytes, 0, 8, 0)));
  });

  it("takes a last odd byte as the high half", () => {
    const bytes = bufferOf(hex("00 01 f2 ee"));
    assert.equal(0xf201, sumBytes(bytes, 0, 3, 0));
    assert.equal(0, sumBytes(bytes, 0, 0, 0));
    assert.equal(0xee00 + 7, sumBytes(bytes, 3, 1, 7));
  });

  it("folds both carries", () => {
    assert.equal(0xffff, foldSum(0xffff));
    assert.equal(1, foldSum(0x10000));
    assert.equal(1, foldSum(0x1ffff));
    assert.equal(0xffff, foldSum(0xffffffff));
  });

  it("keeps the sum of 65535 bytes of 0xff exact", () => {
    const octets: number[] = [];
    for (const _ of $range(1, 65535)) octets.push(0xff);
    assert.equal(internetChecksum(octets), checksumOf(sumBytes(bufferOf(octets), 0, 65535, 0)));
  });

  it("sums a header without options as a loop does", () => {
    const bytes = bufferOf(hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7"));
    assert.equal(0xffff, foldSum(sumPlainHeader(bytes, 0)));
    assert.equal(sumBytes(bytes, 0, 20, 0), sumPlainHeader(bytes, 0));
  });

  it("sums the pseudo header from signed words", () => {
    const octets = join(octets32(0xc0a80001), octets32(0xcb007101), [0, 17], octets16(40));
    const sum = sumPseudoHeader(address("192.168.0.1"), address("203.0.113.1"), 17, 40);
    assert.equal(internetChecksum(octets), checksumOf(sum));
  });

  it("updates the example of RFC 1624 section 4 to 0, where equation 4 of RFC 1141 fails", () => {
    assert.equal(0x0000, updateChecksum16(0xdd2f, 0x5555, 0x3285));
  });

  it("updates a 16-bit field as a full recomputation would", () => {
    const random = new Random(1624);
    for (const _ of $range(1, 500)) {
      const octets = random.octets(20);
      const before = internetChecksum(octets);
      const place = random.below(10) * 2;
      const old16 = octets[place] * 256 + octets[place + 1];
      const new16 = random.below(0x10000);
      octets[place] = new16 >> 8;
      octets[place + 1] = new16 & 0xff;
      assert.equal(internetChecksum(octets), updateChecksum16(before, old16, new16));
    }
  });

  it("updates a word as two steps of 16 bits would", () => {
    const random = new Random(1141);
    for (const _ of $range(1, 500)) {
      const checksum = random.below(0x10000);
      const oldWord = random.word();
      const newWord = random.word();
      const high = updateChecksum16(checksum, oldWord >>> 16, newWord >>> 16);
      const both = updateChecksum16(high, oldWord & 0xffff, newWord & 0xffff);
      assert.equal(both, updateChecksumWord(checksum, oldWord, newWord));
    }
  });

  it("leaves a checksum as it is when nothing changed", () => {
    assert.equal(0x1234, updateChecksum16(0x1234, 0xabcd, 0xabcd));
    assert.equal(0x1234, updateChecksumWord(0x1234, -559038737, -559038737));
  });
});
