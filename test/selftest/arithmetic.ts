// SPDX-License-Identifier: GPL-2.0-only
// Words and checksums: what is arithmetic on numbers here must be the arithmetic of the protocols.

import { assertEquals } from "luaunit";
import { read16, readWord, writeWord } from "../../src/wire/bytes";
import { checksumOf, sumBytes, updateChecksum16 } from "../../src/wire/checksum";
import { divide, modulo, toWord, unsigned } from "../../src/wire/word";
import { octets } from "./octets";
import type { Test } from "./test";

export const arithmeticTests: Test[] = [
  [
    "bit operations give signed words",
    () => {
      assertEquals(0xff << 24, -0x1000000);
      assertEquals(toWord(0xffffffff), -1);
      assertEquals(unsigned(-1), 0xffffffff);
      assertEquals(-1 >>> 28, 0xf);
    },
  ],
  [
    "division and remainder follow the divisor's sign",
    () => {
      assertEquals(divide(-7, 3), -3);
      assertEquals(modulo(-7, 3), 2);
    },
  ],
  [
    "numbers hold 53 bits, so that counters of bytes are exact",
    () => {
      const largest = 2 ** 53 - 1;
      assertEquals(largest + 1 - largest, 1);
    },
  ],
  [
    "words are read and written in network byte order",
    () => {
      const bytes = octets("c0ffee0100000000");
      assertEquals(readWord(bytes, 0), toWord(0xc0ffee01));
      assertEquals(read16(bytes, 2), 0xee01);
      writeWord(bytes, 4, toWord(0xc0ffee01));
      assertEquals(readWord(bytes, 4), readWord(bytes, 0));
    },
  ],
  [
    "the Internet checksum gives the known answers of RFC 1071 and RFC 1624",
    () => {
      assertEquals(checksumOf(sumBytes(octets("0001f203f4f5f6f7"), 0, 8, 0)), 0x220d);
      assertEquals(updateChecksum16(0xdd2f, 0x5555, 0x3285), 0x0000);
    },
  ],
];
