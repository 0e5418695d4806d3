// SPDX-License-Identifier: GPL-2.0-only
// Puts the checksums of a damaged packet right again: with wrong ones the first check would refuse it, and nothing
// behind that check would be tried.

import { type Bytes, write16 } from "../../../src/wire/bytes";
import { checksumOf, sumBytes } from "../../../src/wire/checksum";

const ICMP = 1;
const ICMP_HEADER_BYTES = 8;

/** The checksums of the IPv4 header and of an ICMP message in it, as far as they are there. */
export function repairPacket(bytes: Bytes, lengthBytes: number): void {
  if (lengthBytes < 20) return;
  const headerBytes = (bytes[0] & 0xf) * 4;
  if (headerBytes < 20 || headerBytes > lengthBytes) return;
  put(bytes, 10, 0, headerBytes);
  if (bytes[9] !== ICMP || lengthBytes < headerBytes + ICMP_HEADER_BYTES) return;
  put(bytes, headerBytes + 2, headerBytes, lengthBytes - headerBytes);
}

/** Puts the checksum over a part of the bytes into it. */
function put(bytes: Bytes, checksumAt: number, from: number, lengthBytes: number): void {
  write16(bytes, checksumAt, 0);
  write16(bytes, checksumAt, checksumOf(sumBytes(bytes, from, lengthBytes, 0)));
}
