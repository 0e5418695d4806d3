// SPDX-License-Identifier: GPL-2.0-only
// Sample bytes, written in hexadecimal.

import { type BytePtr, byteArray, create } from "../../src/system/ffi";

/** The bytes in memory as packets are: outside Lua. */
export function octets(hexadecimal: string): BytePtr {
  const bytes = create(byteArray, string.len(hexadecimal) / 2);
  let at = 0;
  for (const [digits] of string.gmatch(hexadecimal, "%x%x")) {
    bytes[at] = tonumber(digits, 16)!;
    at += 1;
  }
  return bytes;
}
