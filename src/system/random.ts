// SPDX-License-Identifier: GPL-2.0-only
// Unpredictable numbers from the kernel: an off-path attacker must not guess which port or identifier comes next.

import { byteArray, type BytePtr, create, declareC, stringOf } from "./ffi";
import { lastError } from "./errno";

/** @noSelf */
interface RandomLibrary {
  getrandom(buffer: BytePtr, lengthBytes: number, flags: number): number;
}

const C = declareC<RandomLibrary>("ssize_t getrandom(void *buffer, size_t length, unsigned flags);");

/** getrandom(2): requests up to this size are answered whole and are not interrupted by signals. */
const REQUEST_BYTES_MAX = 256;

const pool = create(byteArray, REQUEST_BYTES_MAX);

function fillPool(lengthBytes: number): void {
  if (lengthBytes < 0 || lengthBytes > REQUEST_BYTES_MAX)
    error(`random: 0 … ${REQUEST_BYTES_MAX} bytes can be asked for`);
  if (tonumber(C.getrandom(pool, lengthBytes, 0)) !== lengthBytes) error(lastError("getrandom"));
}

/** `lengthBytes` (at most 256) unpredictable bytes as a Lua string. */
export function randomBytes(lengthBytes: number): string {
  fillPool(lengthBytes);
  return stringOf(pool, lengthBytes);
}

/** An unpredictable word: a signed 32-bit number. */
export function randomWord(): number {
  fillPool(4);
  return (pool[0] << 24) | (pool[1] << 16) | (pool[2] << 8) | pool[3];
}
