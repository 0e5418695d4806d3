// SPDX-License-Identifier: GPL-2.0-only
// The ICMP errors that a router itself sends: time exceeded, destination unreachable, fragmentation needed.
//
// Whether one may be sent at all is decided first (RFC 1812 §4.3.2.7), so that errors never breed errors and never
// answer a crowd. The message quotes as much of the packet as fits into 576 bytes (RFC 1812 §4.3.2.3): a client behind
// us, or a router that translates again, needs more than the 8 bytes of RFC 792 to see whose packet it was.

import { isHostAddress } from "./address";
import { Bytes, write16, writeWord } from "./bytes";
import { checksumOf, sumBytes } from "./checksum";
import {
  ICMP_HEADER_BYTES,
  IcmpField,
  IcmpType,
  isIcmpError,
  isIcmpQueryReply,
  isIcmpQueryRequest,
  TimeExceededCode,
  UnreachableCode,
} from "./icmp";
import { IPV4_HEADER_BYTES, Ipv4Field, Ipv4View, Protocol } from "./ipv4";

/** The most that an error holds, all headers included (RFC 1812 §4.3.2.3): room for one in any buffer. */
export const ICMP_ERROR_BYTES_MAX = 576;

/** The default of new packets (RFC 1700, "IP time to live parameter"). */
const TIME_TO_LIVE = 64;

/** Precedence 6, internetwork control, which errors should have (RFC 1812 §4.3.2.5). */
const TYPE_OF_SERVICE = 0xc0;

/** Why no ICMP error may be sent about a packet (RFC 1812 §4.3.2.7). */
export type IcmpErrorRefusal =
  | "icmp-error-about-icmp-error"
  | "icmp-error-about-fragment"
  | "icmp-error-source-not-host"
  | "icmp-error-destination-group";

/** One line for people about each refusal. */
export const ICMP_ERROR_REFUSALS: Record<IcmpErrorRefusal, string> = {
  "icmp-error-about-icmp-error": "no ICMP error is sent about an ICMP error",
  "icmp-error-about-fragment": "no ICMP error is sent about any fragment but the first",
  "icmp-error-source-not-host": "no ICMP error is sent to what is not one host's address",
  "icmp-error-destination-group": "no ICMP error is sent about a broadcast or multicast",
};

/** Whether the payload may be an ICMP error: unknown types count as errors, and so does one without a type. */
function mayBeIcmpError(original: Ipv4View): boolean {
  if (original.protocol() !== Protocol.Icmp) return false;
  if (original.payloadBytes === 0) return true;
  const type = original.frame[original.payloadAt];
  return isIcmpError(type) || !(isIcmpQueryRequest(type) || isIcmpQueryReply(type));
}

/**
 * Why no error may be sent about `original`; undefined when one may. The caller refuses link-layer broadcasts and the
 * directed broadcast of its own networks, which cannot be seen in the packet.
 */
export function icmpErrorRefusal(original: Ipv4View): IcmpErrorRefusal | undefined {
  if (original.fragmentOffsetBytes() !== 0) return "icmp-error-about-fragment";
  if (mayBeIcmpError(original)) return "icmp-error-about-icmp-error";
  if (!isHostAddress(original.source())) return "icmp-error-source-not-host";
  if (original.destination() >>> 28 >= 0xe) return "icmp-error-destination-group";
  return undefined;
}

/** Writes a header without options; the identification is the original's, which its sender does not repeat soon. */
function writeIpv4Header(into: Bytes, intoAt: number, from: number, original: Ipv4View, totalBytes: number): void {
  into[intoAt + Ipv4Field.VersionAndHeaderLength] = 0x45;
  into[intoAt + Ipv4Field.TypeOfService] = TYPE_OF_SERVICE;
  write16(into, intoAt + Ipv4Field.TotalLength, totalBytes);
  write16(into, intoAt + Ipv4Field.Identification, original.identification());
  write16(into, intoAt + Ipv4Field.FlagsAndFragmentOffset, 0);
  into[intoAt + Ipv4Field.TimeToLive] = TIME_TO_LIVE;
  into[intoAt + Ipv4Field.Protocol] = Protocol.Icmp;
  write16(into, intoAt + Ipv4Field.HeaderChecksum, 0);
  writeWord(into, intoAt + Ipv4Field.Source, from);
  writeWord(into, intoAt + Ipv4Field.Destination, original.source());
  const checksum = checksumOf(sumBytes(into, intoAt, IPV4_HEADER_BYTES, 0));
  write16(into, intoAt + Ipv4Field.HeaderChecksum, checksum);
}

/** @param rest what the 4 bytes behind the checksum hold, a word */
function writeIcmpError(
  into: Bytes,
  intoAt: number,
  from: number,
  original: Ipv4View,
  type: number,
  code: number,
  rest: number,
): number {
  if (icmpErrorRefusal(original) !== undefined) return 0;
  const presentBytes = original.headerBytes + original.payloadBytes;
  const quotedBytesMax = ICMP_ERROR_BYTES_MAX - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES;
  const quotedBytes = presentBytes < quotedBytesMax ? presentBytes : quotedBytesMax;
  const icmpAt = intoAt + IPV4_HEADER_BYTES;
  const totalBytes = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quotedBytes;
  for (const index of $range(0, quotedBytes - 1)) {
    into[icmpAt + IcmpField.Embedded + index] = original.frame[original.at + index];
  }
  into[icmpAt + IcmpField.Type] = type;
  into[icmpAt + IcmpField.Code] = code;
  write16(into, icmpAt + IcmpField.Checksum, 0);
  writeWord(into, icmpAt + IcmpField.Checksum + 2, rest);
  write16(into, icmpAt + IcmpField.Checksum, checksumOf(sumBytes(into, icmpAt, ICMP_HEADER_BYTES + quotedBytes, 0)));
  writeIpv4Header(into, intoAt, from, original, totalBytes);
  return totalBytes;
}

/**
 * Writes "time to live exceeded in transit" about `original`, an IPv4 packet of at most {@link ICMP_ERROR_BYTES_MAX}
 * bytes that does not overlap the original. Call it before rewriting the original, which is quoted as it came.
 *
 * @param from the address of the interface that the original came by, a word
 * @returns the bytes written; 0 when no error may be sent, see {@link icmpErrorRefusal}
 */
export function writeTimeExceeded(into: Bytes, intoAt: number, from: number, original: Ipv4View): number {
  return writeIcmpError(into, intoAt, from, original, IcmpType.TimeExceeded, TimeExceededCode.TimeToLive, 0);
}

/**
 * Writes "destination unreachable" about `original`; parameters and result as {@link writeTimeExceeded}.
 *
 * @param code an {@link UnreachableCode}; for fragmentation needed use {@link writeFragmentationNeeded}
 */
export function writeUnreachable(
  into: Bytes,
  intoAt: number,
  from: number,
  original: Ipv4View,
  code: UnreachableCode,
): number {
  return writeIcmpError(into, intoAt, from, original, IcmpType.DestinationUnreachable, code, 0);
}

/**
 * Writes "fragmentation needed" about `original`; parameters and result as {@link writeTimeExceeded}.
 *
 * @param nextHopMtuBytes the MTU of the link that is too narrow (RFC 1191 §4)
 */
export function writeFragmentationNeeded(
  into: Bytes,
  intoAt: number,
  from: number,
  original: Ipv4View,
  nextHopMtuBytes: number,
): number {
  const code = UnreachableCode.FragmentationNeeded;
  return writeIcmpError(into, intoAt, from, original, IcmpType.DestinationUnreachable, code, nextHopMtuBytes);
}
