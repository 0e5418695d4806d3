// SPDX-License-Identifier: GPL-2.0-only
// What a target is given: bytes of a length. Targets of text take them as a Lua string.

import { type BytePtr, stringOf } from "../../src/system/ffi";

/** Longer than a jumbo frame's headers, a page of requests or a snapshot of thirty lines; longer inputs find no more. */
export const INPUT_BYTES_MAX = 4096;

export interface Input {
  /** Nothing before its first byte and nothing behind its last may be touched. */
  bytes: BytePtr;
  lengthBytes: number;
}

export function textOf(input: Input): string {
  return stringOf(input.bytes, input.lengthBytes);
}
