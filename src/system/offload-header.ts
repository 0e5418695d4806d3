// SPDX-License-Identifier: GPL-2.0-only
// The offload header: what a sender left for hardware to do on a frame, as AF_PACKET tells and takes it
// (PACKET_VNET_HDR; struct virtio_net_hdr of linux/virtio_net.h, in the CPU's byte order).
//
// A virtual or local sender does not finish transport checksums, and large frames (GRO, TSO) are many segments in one.
// Both leave the field with the sum of the pseudo-header alone. Whoever rewrites addresses would have to know that;
// instead the field is seeded anew just before sending, so a rewriter may treat it as any checksum.

import type { Bytes } from "../wire/bytes";
import { isLittleEndian } from "./ffi";

/** Bytes of the header. */
export const OFFLOAD_HEADER_BYTES = 10;

const NEEDS_CHECKSUM = 1;

/** Where the fields are: flags, kind of segmentation, length of all headers, size of a segment, checksum's place. */
const field = {
  flags: 0,
  segmentation: 1,
  headersBytes: 2,
  segmentBytes: 4,
  checksumStart: 6,
  checksumOffset: 8,
} as const;

const PROTOCOL_AT = 9;
const ADDRESSES_AT = 12;
const ADDRESSES_END = 20;
const IPV4_VERSION = 4;

function native16(bytes: Bytes, at: number): number {
  return isLittleEndian ? bytes[at] + bytes[at + 1] * 256 : bytes[at] * 256 + bytes[at + 1];
}

function writeNative16(bytes: Bytes, at: number, value: number): void {
  const high = (value >> 8) & 0xff;
  const low = value & 0xff;
  bytes[at] = isLittleEndian ? low : high;
  bytes[at + 1] = isLittleEndian ? high : low;
}

/** Whether anything is left to do on the frame. `at` is where the header starts. */
export function needsOffload(bytes: Bytes, at: number): boolean {
  return (bytes[at + field.flags] & NEEDS_CHECKSUM) !== 0 || bytes[at + field.segmentation] !== 0;
}

/** Payload bytes of each segment of a large frame; 0 for a frame that is one packet. */
export function segmentBytes(bytes: Bytes, at: number): number {
  return bytes[at + field.segmentation] === 0 ? 0 : native16(bytes, at + field.segmentBytes);
}

/**
 * Finishes the missing checksum of a frame of `lengthBytes` in software, once the pseudo-header's sum is in its place.
 * False when the header describes a place outside the frame, or a large frame, where each segment has its own.
 */
export function completeChecksum(header: Bytes, frame: Bytes, lengthBytes: number): boolean {
  if ((header[field.flags] & NEEDS_CHECKSUM) === 0) return true;
  const start = native16(header, field.checksumStart);
  const at = start + native16(header, field.checksumOffset);
  if (header[field.segmentation] !== 0 || at + 2 > lengthBytes) return false;
  const isOdd = ((lengthBytes - start) & 1) !== 0;
  const evenEnd = isOdd ? lengthBytes - 1 : lengthBytes;
  const sum = sum16(frame, start, evenEnd) + (isOdd ? frame[lengthBytes - 1] * 256 : 0);
  const checksum = 0xffff - fold(sum);
  // Zero means "none" to UDP (RFC 768); the other form of zero is as good to TCP.
  frame[at] = checksum === 0 ? 0xff : checksum >> 8;
  frame[at + 1] = checksum === 0 ? 0xff : checksum & 0xff;
  header[field.flags] = 0;
  return true;
}

/** Moves the header's offsets when the link header in front of the packet grows by `bytesMore` (or shrinks). */
export function moveOffsets(header: Bytes, bytesMore: number): void {
  if (bytesMore === 0) return;
  if ((header[field.flags] & NEEDS_CHECKSUM) !== 0) {
    writeNative16(header, field.checksumStart, native16(header, field.checksumStart) + bytesMore);
  }
  if (header[field.segmentation] !== 0) {
    writeNative16(header, field.headersBytes, native16(header, field.headersBytes) + bytesMore);
  }
}

/** The sum of 16-bit numbers of `bytes[from … end-1]`; `end - from` is even. */
function sum16(bytes: Bytes, from: number, end: number): number {
  let sum = 0;
  for (const at of $range(from, end - 1, 2)) sum += bytes[at] * 256 + bytes[at + 1];
  return sum;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >> 16);
  return (once & 0xffff) + (once >> 16);
}

/**
 * Puts the pseudo-header's sum (RFC 9293 §3.1) where the header says the checksum is, for the IPv4 packet at
 * `networkAt` of a frame of `lengthBytes`. Does nothing when no checksum is missing or the place is not in the frame.
 */
export function seedChecksum(header: Bytes, frame: Bytes, networkAt: number, lengthBytes: number): void {
  if ((header[field.flags] & NEEDS_CHECKSUM) === 0 || networkAt + ADDRESSES_END > lengthBytes) return;
  const start = native16(header, field.checksumStart);
  const at = start + native16(header, field.checksumOffset);
  const totalBytes = frame[networkAt + 2] * 256 + frame[networkAt + 3];
  const transportBytes = totalBytes - (start - networkAt);
  if (frame[networkAt] >> 4 !== IPV4_VERSION || transportBytes < 0) return;
  if (start < networkAt + ADDRESSES_END || at + 2 > lengthBytes) return;
  const addresses = sum16(frame, networkAt + ADDRESSES_AT, networkAt + ADDRESSES_END);
  const sum = fold(addresses + frame[networkAt + PROTOCOL_AT] + transportBytes);
  frame[at] = sum >> 8;
  frame[at + 1] = sum & 0xff;
}
