// SPDX-License-Identifier: GPL-2.0-only
// Cutting an IPv4 datagram into fragments that fit a link (RFC 791 §3.2, "An Example Fragmentation Procedure").
//
// One fragment a call, written to a buffer of the caller: a router sends each before it makes the next. What comes in
// may be a fragment itself. Whether the datagram may be fragmented (its don't-fragment bit) is the caller's decision.

import { Bytes, write16 } from "./bytes";
import { checksumOf, sumBytes } from "./checksum";
import { FragmentBits, IPV4_HEADER_BYTES, Ipv4Field, Ipv4View } from "./ipv4";

/** Fragment offsets count in this; the payload of every fragment but the last is a multiple of it (RFC 791 §3.2). */
const FRAGMENT_UNIT_BYTES = 8;

/** The two options that are a single byte, without a length (RFC 791 §3.1). */
const OPTION_END = 0;
const OPTION_NO_OPERATION = 1;
/** The bit of an option's type that says: this option stands in every fragment. */
const OPTION_COPIED = 0x80;

/** Why a datagram cannot be cut. */
export type FragmenterFault = "fragmenter-mtu-too-small";

/** One line for people about each fault. */
export const FRAGMENTER_FAULTS: Record<FragmenterFault, string> = {
  "fragmenter-mtu-too-small": "the MTU has no room for the header and 8 bytes of payload",
};

/** Cuts one datagram after another: `start`, then `next` until it returns 0. */
export class Fragmenter {
  private original = new Ipv4View();
  private mtuBytes = 0;
  private sentPayloadBytes = 0;

  /**
   * Takes the datagram to cut.
   *
   * @param original a packet that is there as a whole; view and frame stay as they are until `next` has returned 0
   * @param mtuBytes the most that a fragment may have, its header included; 68 or more on real links (RFC 791)
   * @returns why it cannot be cut; undefined when it can
   */
  start(original: Ipv4View, mtuBytes: number): FragmenterFault | undefined {
    const fits = mtuBytes >= original.headerBytes + FRAGMENT_UNIT_BYTES;
    this.original = original;
    this.mtuBytes = mtuBytes;
    this.sentPayloadBytes = fits ? 0 : original.payloadBytes;
    return fits ? undefined : "fragmenter-mtu-too-small";
  }

  /**
   * Writes the next fragment, an IPv4 packet with a checksum that is right, to `into` from `intoAt`.
   *
   * @returns the bytes written; 0 when there are no more
   */
  next(into: Bytes, intoAt: number): number {
    const original = this.original;
    const leftBytes = original.payloadBytes - this.sentPayloadBytes;
    if (leftBytes <= 0) return 0;
    const isFirst = this.sentPayloadBytes === 0;
    const headerBytes = isFirst ? this.copyWholeHeader(into, intoAt) : this.copyLaterHeader(into, intoAt);
    const roomBytes = this.mtuBytes - headerBytes;
    const payloadBytes = leftBytes <= roomBytes ? leftBytes : roomBytes - (roomBytes & (FRAGMENT_UNIT_BYTES - 1));
    copyBytes(original.frame, original.payloadAt + this.sentPayloadBytes, into, intoAt + headerBytes, payloadBytes);
    this.finishHeader(into, intoAt, headerBytes, payloadBytes, payloadBytes === leftBytes);
    this.sentPayloadBytes = this.sentPayloadBytes + payloadBytes;
    return headerBytes + payloadBytes;
  }

  private copyWholeHeader(into: Bytes, intoAt: number): number {
    const original = this.original;
    copyBytes(original.frame, original.at, into, intoAt, original.headerBytes);
    return original.headerBytes;
  }

  /** The header of a later fragment: of the options, only those with the copied bit. */
  private copyLaterHeader(into: Bytes, intoAt: number): number {
    const original = this.original;
    copyBytes(original.frame, original.at, into, intoAt, IPV4_HEADER_BYTES);
    const optionsEnd = original.at + original.headerBytes;
    let readAt = original.at + Ipv4Field.Options;
    let writeAt = intoAt + Ipv4Field.Options;
    while (readAt < optionsEnd) {
      const lengthBytes = optionLengthBytes(original.frame, readAt, optionsEnd);
      if (lengthBytes === 0) break;
      if ((original.frame[readAt] & OPTION_COPIED) !== 0) {
        copyBytes(original.frame, readAt, into, writeAt, lengthBytes);
        writeAt += lengthBytes;
      }
      readAt += lengthBytes;
    }
    while (((writeAt - intoAt) & 3) !== 0) {
      into[writeAt] = OPTION_END;
      writeAt += 1;
    }
    return writeAt - intoAt;
  }

  private finishHeader(into: Bytes, intoAt: number, headerBytes: number, payloadBytes: number, isLast: boolean): void {
    const original = this.original;
    const moreFragments = !isLast || original.moreFragments() ? FragmentBits.MoreFragments : 0;
    const dontFragment = original.dontFragment() ? FragmentBits.DontFragment : 0;
    const offset = (original.fragmentOffsetBytes() + this.sentPayloadBytes) >> 3;
    into[intoAt + Ipv4Field.VersionAndHeaderLength] = 0x40 + (headerBytes >> 2);
    write16(into, intoAt + Ipv4Field.TotalLength, headerBytes + payloadBytes);
    write16(into, intoAt + Ipv4Field.FlagsAndFragmentOffset, moreFragments + dontFragment + offset);
    write16(into, intoAt + Ipv4Field.HeaderChecksum, 0);
    write16(into, intoAt + Ipv4Field.HeaderChecksum, checksumOf(sumBytes(into, intoAt, headerBytes, 0)));
  }
}

/** The bytes of the option at `at`; 0 at the end of the list, and where it is malformed, which ends it too. */
function optionLengthBytes(frame: Bytes, at: number, optionsEnd: number): number {
  const type = frame[at];
  if (type === OPTION_END) return 0;
  if (type === OPTION_NO_OPERATION) return 1;
  if (at + 1 >= optionsEnd) return 0;
  const lengthBytes = frame[at + 1];
  return lengthBytes < 2 || at + lengthBytes > optionsEnd ? 0 : lengthBytes;
}

function copyBytes(from: Bytes, fromAt: number, to: Bytes, toAt: number, lengthBytes: number): void {
  for (const index of $range(0, lengthBytes - 1)) to[toAt + index] = from[fromAt + index];
}
