// SPDX-License-Identifier: GPL-2.0-only
// The echo request (RFC 792), written: what is sent to learn whether somebody is there.

import { type Bytes, write16 } from "./bytes";
import { checksumOf, sumBytes } from "./checksum";
import { ICMP_HEADER_BYTES, IcmpField, IcmpType } from "./icmp";

/**
 * Writes an echo request without data at `at`.
 * @param identifier tells senders of one host apart, 16 bits
 * @param sequence tells a sender's requests apart, 16 bits
 * @returns its length in bytes
 */
export function writeEchoRequest(bytes: Bytes, at: number, identifier: number, sequence: number): number {
  bytes[at + IcmpField.Type] = IcmpType.EchoRequest;
  bytes[at + IcmpField.Code] = 0;
  write16(bytes, at + IcmpField.Checksum, 0);
  write16(bytes, at + IcmpField.QueryIdentifier, identifier);
  write16(bytes, at + IcmpField.QuerySequence, sequence);
  write16(bytes, at + IcmpField.Checksum, checksumOf(sumBytes(bytes, at, ICMP_HEADER_BYTES, 0)));
  return ICMP_HEADER_BYTES;
}
