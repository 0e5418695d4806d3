// SPDX-License-Identifier: GPL-2.0-only
// Addresses, prefixes, SPIs and cookies as text: strictly read, and written so that they read back.

import {
  formatAddress,
  formatCookie,
  formatPrefix,
  formatSpi,
  isHostAddress,
  isMulticastAddress,
  parseAddress,
  parsePrefix,
  parseSpi,
  prefixHolds,
  prefixMask,
} from "../../../src/wire/address";
import { address } from "../frame";
import { Random } from "../random";

describe("an address", () => {
  it("is a word with the first number on top", () => {
    assert.equal(0x0a000001, parseAddress("10.0.0.1"));
    assert.equal(-1, parseAddress("255.255.255.255"));
    assert.equal(0, parseAddress("0.0.0.0"));
  });

  it("reads back as it was printed", () => {
    const random = new Random(4632);
    for (const _ of $range(1, 100)) {
      const word = random.word();
      assert.equal(word, parseAddress(formatAddress(word)));
    }
    assert.equal("192.168.1.200", formatAddress(address("192.168.1.200")));
  });

  it("is nothing when it is not written strictly", () => {
    const refused = [
      "",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "256.2.3.4",
      "1.256.3.4",
      "1.2.256.4",
      "01.2.3.4",
      "1.2.3.00",
      "1.2.3.4 ",
      " 1.2.3.4",
    ];
    for (const text of [...refused, "1.2.3.-4", "1.2.3.4/32", "0x1.2.3.4", "1..2.3", "1.2.3.1e1", "1.2.3.4\n"]) {
      assert.is_nil(parseAddress(text), text);
    }
    assert.is_nil(parseAddress("1.2.3.99999999999999999999"));
  });

  it("is a group's from 224.0.0.0 to 239.255.255.255", () => {
    assert.is_false(isMulticastAddress(address("223.255.255.255")));
    assert.is_true(isMulticastAddress(address("224.0.0.0")));
    assert.is_true(isMulticastAddress(address("239.255.255.255")));
    assert.is_false(isMulticastAddress(address("240.0.0.0")));
  });

  it("is a host's outside the special ranges", () => {
    for (const text of ["1.0.0.0", "10.0.0.1", "126.255.255.255", "128.0.0.1", "223.255.255.255"]) {
      assert.is_true(isHostAddress(address(text)), text);
    }
    for (const text of ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"]) {
      assert.is_false(isHostAddress(address(text)), text);
    }
  });
});

describe("a prefix", () => {
  it("has a mask for each length, the empty one too", () => {
    assert.equal(0, prefixMask(0));
    assert.equal(address("128.0.0.0"), prefixMask(1));
    assert.equal(address("255.255.255.0"), prefixMask(24));
    assert.equal(-1, prefixMask(32));
  });

  it("reads back as it was printed", () => {
    for (const text of ["0.0.0.0/0", "10.0.0.0/8", "192.168.1.0/24", "192.168.1.1/32"]) {
      const prefix = parsePrefix(text);
      assert.is_not_nil(prefix, text);
      if (prefix !== undefined) assert.equal(text, formatPrefix(prefix));
    }
  });

  it("is nothing with host bits, a length beyond 32, or loose writing", () => {
    const refused = [
      "192.168.1.1/24",
      "1.0.0.0/0",
      "10.0.0.0/33",
      "128.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0.0",
      "10.0.0.0/",
      "/8",
    ];
    for (const text of [...refused, "10.0.0/8", "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "...../8"]) {
      assert.is_nil(parsePrefix(text), text);
    }
  });

  it("holds the addresses from its first to its last", () => {
    const prefix = { network: address("192.168.0.0"), lengthBits: 16 };
    assert.is_true(prefixHolds(prefix, address("192.168.0.0")));
    assert.is_true(prefixHolds(prefix, address("192.168.255.255")));
    assert.is_false(prefixHolds(prefix, address("192.169.0.0")));
    assert.is_true(prefixHolds({ network: 0, lengthBits: 0 }, address("255.255.255.255")));
  });
});

describe("an SPI", () => {
  it("is printed with all its digits and reads back", () => {
    assert.equal("0xc0ffee01", formatSpi(0xc0ffee01 - 0x100000000));
    assert.equal("0x00000100", formatSpi(256));
    assert.equal(0xc0ffee01 - 0x100000000, parseSpi("0xc0ffee01"));
    assert.equal(256, parseSpi("0X100"));
  });

  it("is nothing without 0x, with more than 8 digits, or with other letters", () => {
    for (const text of ["c0ffee01", "0x", "0x123456789", "0xg", "256", "0x1 "]) assert.is_nil(parseSpi(text), text);
  });
});

describe("a cookie", () => {
  it("is printed as 16 digits", () => {
    assert.equal("0123456789abcdef", formatCookie(0x01234567, 0x89abcdef - 0x100000000));
    assert.equal("ffffffff00000000", formatCookie(-1, 0));
  });
});
