// SPDX-License-Identifier: GPL-2.0-only
// CRC-32 as in IEEE 802.3 and zlib, four bits at a time: a table of 16 numbers instead of 256.

/** The reversed polynomial of IEEE 802.3, as a word. */
const POLYNOMIAL = 0xedb88320 - 0x100000000;

function remainderOf(nibble: number): number {
  let remainder = nibble;
  for (const _ of $range(1, 4)) {
    remainder = (remainder & 1) === 0 ? remainder >>> 1 : (remainder >>> 1) ^ POLYNOMIAL;
  }
  return remainder;
}

const TABLE: LuaTable<number, number> = new LuaTable();
for (const nibble of $range(0, 15)) TABLE.set(nibble, remainderOf(nibble));

/**
 * The checksum of a string's bytes, a word.
 * @param before the checksum of what stands before the string, or any word that is to make a difference
 */
export function crc32(text: string, before = 0): number {
  let remainder = ~before;
  for (const at of $range(1, string.len(text))) {
    remainder ^= string.byte(text, at);
    remainder = (remainder >>> 4) ^ TABLE.get(remainder & 15);
    remainder = (remainder >>> 4) ^ TABLE.get(remainder & 15);
  }
  return ~remainder;
}
