// SPDX-License-Identifier: GPL-2.0-only
// The Internet checksum (RFC 1071): whole sums, and the incremental update (RFC 1624) that rewriting lives on.
//
// A translator changes a few bytes of a packet. Updating its checksum from the difference costs the same for any
// length, and keeps an error that was there before: a full recomputation would hide damage from the receiver.

import { Bytes, read16 } from "./bytes";

/** Folds a sum of 16-bit numbers, below 2³², into 16 bits with end-around carry. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * The unfolded sum of `lengthBytes` bytes from `at` in 16-bit steps, added to `initialSum`. A last odd byte counts as
 * the high half. At most 65 535 bytes, so that the sum stays below 2³².
 */
export function sumBytes(bytes: Bytes, at: number, lengthBytes: number, initialSum: number): number {
  let sum = initialSum;
  const oddBytes = lengthBytes & 1;
  const end = at + lengthBytes - oddBytes;
  for (const index of $range(at, end - 2, 2)) sum += read16(bytes, index);
  if (oddBytes === 1) sum += bytes[end] * 256;
  return sum;
}

/** The unfolded sum of the 20 bytes of a header without options: unrolled, because it is taken for every packet. */
export function sumPlainHeader(bytes: Bytes, at: number): number {
  return (
    read16(bytes, at) +
    read16(bytes, at + 2) +
    read16(bytes, at + 4) +
    read16(bytes, at + 6) +
    read16(bytes, at + 8) +
    read16(bytes, at + 10) +
    read16(bytes, at + 12) +
    read16(bytes, at + 14) +
    read16(bytes, at + 16) +
    read16(bytes, at + 18)
  );
}

/**
 * The sum of the pseudo header of TCP and UDP (RFC 768, RFC 9293 §3.1), unfolded.
 *
 * @param lengthBytes header and payload of the transport protocol
 */
export function sumPseudoHeader(source: number, destination: number, protocol: number, lengthBytes: number): number {
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + lengthBytes;
}

/** The checksum that belongs to an unfolded sum: its one's complement, 16 bits. */
export function checksumOf(sum: number): number {
  return 0xffff - foldSum(sum);
}

/** The checksum after one 16-bit field changed: HC' = ~(~HC + ~m + m'), RFC 1624 equation 3. */
export function updateChecksum16(checksum: number, old16: number, new16: number): number {
  return checksumOf(0xffff - checksum + (0xffff - old16) + new16);
}

/** The checksum after a 32-bit field changed, two steps of RFC 1624 equation 3 in one. Words may be signed. */
export function updateChecksumWord(checksum: number, oldWord: number, newWord: number): number {
  return checksumOf(
    0xffff -
      checksum +
      (0xffff - (oldWord >>> 16)) +
      (0xffff - (oldWord & 0xffff)) +
      (newWord >>> 16) +
      (newWord & 0xffff),
  );
}
