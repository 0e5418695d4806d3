// SPDX-License-Identifier: GPL-2.0-only
// The IPv4 header (RFC 791): checked once, then read and rewritten in place.
//
// `attach` is the only place where lengths and the header checksum are tested; after it has taken a packet no accessor
// can fail. Each setter keeps the header checksum right from the difference, so a header needs no second pass.

import { Bytes, read16, readWord, write16, writeWord } from "./bytes";
import { checksumOf, foldSum, sumBytes, sumPlainHeader, updateChecksum16, updateChecksumWord } from "./checksum";

/** Where each field of the header starts, in bytes (RFC 791 §3.1). */
export const enum Ipv4Field {
  VersionAndHeaderLength = 0,
  TypeOfService = 1,
  TotalLength = 2,
  Identification = 4,
  FlagsAndFragmentOffset = 6,
  TimeToLive = 8,
  Protocol = 9,
  HeaderChecksum = 10,
  Source = 12,
  Destination = 16,
  Options = 20,
}

/** The 16 bits that hold flags and the fragment offset (RFC 791 §3.1). */
export const enum FragmentBits {
  DontFragment = 0x4000,
  MoreFragments = 0x2000,
  /** The offset, in units of 8 bytes. */
  Offset = 0x1fff,
}

/** Assigned protocol numbers of what vpnmasq knows. */
export const enum Protocol {
  Icmp = 1,
  Tcp = 6,
  Udp = 17,
  Esp = 50,
}

/** The header without options. */
export const IPV4_HEADER_BYTES = 20;

/** The largest datagram that 16 bits of total length can name. */
const DATAGRAM_BYTES_MAX = 65535;

/** Why bytes are not an IPv4 packet. */
export type Ipv4Fault =
  | "ipv4-truncated"
  | "ipv4-bad-version"
  | "ipv4-header-length"
  | "ipv4-total-length"
  | "ipv4-bad-checksum"
  | "ipv4-fragment-length";

/** One line for people about each fault. */
export const IPV4_FAULTS: Record<Ipv4Fault, string> = {
  "ipv4-truncated": "the frame ends before the IPv4 packet does",
  "ipv4-bad-version": "the version in the header is not 4",
  "ipv4-header-length": "the header length is below 20 bytes or beyond the packet",
  "ipv4-total-length": "the total length is smaller than the header",
  "ipv4-bad-checksum": "the header checksum does not match the header",
  "ipv4-fragment-length": "a fragment is no multiple of 8 bytes or ends beyond 65535",
};

function sumHeader(frame: Bytes, at: number, headerBytes: number): number {
  const sum = sumPlainHeader(frame, at);
  if (headerBytes === IPV4_HEADER_BYTES) return sum;
  return sumBytes(frame, at + IPV4_HEADER_BYTES, headerBytes - IPV4_HEADER_BYTES, sum);
}

/** A view over one IPv4 packet in a frame. Keep one instance and attach it to each packet in turn. */
export class Ipv4View {
  frame: Bytes = {};
  /** Where the header starts in the frame. */
  at = 0;
  /** 20, or up to 60 with options. */
  headerBytes = 0;
  /** Header and payload, as the header says. */
  totalBytes = 0;
  payloadAt = 0;
  /** What of the payload is there: all of it, except in the packet embedded in an ICMP error. */
  payloadBytes = 0;

  /**
   * Takes the packet at `at`, of which the frame holds at most `availableBytes`; bytes behind the total length
   * (padding of short Ethernet frames) are ignored.
   *
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number): Ipv4Fault | undefined {
    const fault = this.attachHeader(frame, at, availableBytes);
    if (fault !== undefined) return fault;
    if (this.totalBytes > availableBytes) return "ipv4-truncated";
    if (this.isFragment() && !this.isFragmentPlausible()) return "ipv4-fragment-length";
    return undefined;
  }

  /**
   * Takes a packet of which only the header must be complete, as an ICMP error quotes it; `payloadBytes` is then what
   * is there.
   */
  attachHeader(frame: Bytes, at: number, availableBytes: number): Ipv4Fault | undefined {
    if (availableBytes < IPV4_HEADER_BYTES) return "ipv4-truncated";
    const first = frame[at];
    if (first >> 4 !== 4) return "ipv4-bad-version";
    const headerBytes = (first & 0xf) * 4;
    if (headerBytes < IPV4_HEADER_BYTES) return "ipv4-header-length";
    if (headerBytes > availableBytes) return "ipv4-header-length";
    const totalBytes = read16(frame, at + Ipv4Field.TotalLength);
    if (totalBytes < headerBytes) return "ipv4-total-length";
    if (foldSum(sumHeader(frame, at, headerBytes)) !== 0xffff) return "ipv4-bad-checksum";
    this.frame = frame;
    this.at = at;
    this.headerBytes = headerBytes;
    this.totalBytes = totalBytes;
    this.payloadAt = at + headerBytes;
    this.payloadBytes = (totalBytes < availableBytes ? totalBytes : availableBytes) - headerBytes;
    return undefined;
  }

  /** RFC 791 §3.2: all fragments but the last hold a multiple of 8 bytes, and none ends past the largest datagram. */
  private isFragmentPlausible(): boolean {
    if (this.moreFragments() && (this.payloadBytes & 7) !== 0) return false;
    return this.headerBytes + this.fragmentOffsetBytes() + this.payloadBytes <= DATAGRAM_BYTES_MAX;
  }

  typeOfService(): number {
    return this.frame[this.at + Ipv4Field.TypeOfService];
  }

  identification(): number {
    return read16(this.frame, this.at + Ipv4Field.Identification);
  }

  private flagsAndFragmentOffset(): number {
    return read16(this.frame, this.at + Ipv4Field.FlagsAndFragmentOffset);
  }

  dontFragment(): boolean {
    return (this.flagsAndFragmentOffset() & FragmentBits.DontFragment) !== 0;
  }

  moreFragments(): boolean {
    return (this.flagsAndFragmentOffset() & FragmentBits.MoreFragments) !== 0;
  }

  /** Where this fragment's payload belongs in the datagram's payload. */
  fragmentOffsetBytes(): number {
    return (this.flagsAndFragmentOffset() & FragmentBits.Offset) * 8;
  }

  /** Whether this is a part of a datagram: the first, a middle or the last one. */
  isFragment(): boolean {
    return (this.flagsAndFragmentOffset() & (FragmentBits.MoreFragments | FragmentBits.Offset)) !== 0;
  }

  /** Whether this is the fragment that holds the start of the payload, and so the transport header. */
  isFirstFragment(): boolean {
    return this.moreFragments() && this.fragmentOffsetBytes() === 0;
  }

  /** Hops left, 0 … 255. */
  timeToLive(): number {
    return this.frame[this.at + Ipv4Field.TimeToLive];
  }

  /** The assigned number of what the payload is; {@link Protocol} names some. */
  protocol(): number {
    return this.frame[this.at + Ipv4Field.Protocol];
  }

  headerChecksum(): number {
    return read16(this.frame, this.at + Ipv4Field.HeaderChecksum);
  }

  /** A word. */
  source(): number {
    return readWord(this.frame, this.at + Ipv4Field.Source);
  }

  /** A word. */
  destination(): number {
    return readWord(this.frame, this.at + Ipv4Field.Destination);
  }

  hasOptions(): boolean {
    return this.headerBytes !== IPV4_HEADER_BYTES;
  }

  setSource(word: number): void {
    this.setAddress(this.at + Ipv4Field.Source, word);
  }

  setDestination(word: number): void {
    this.setAddress(this.at + Ipv4Field.Destination, word);
  }

  private setAddress(addressAt: number, word: number): void {
    const before = readWord(this.frame, addressAt);
    writeWord(this.frame, addressAt, word);
    this.setHeaderChecksum(updateChecksumWord(this.headerChecksum(), before, word));
  }

  setIdentification(identification: number): void {
    const before = this.identification();
    write16(this.frame, this.at + Ipv4Field.Identification, identification);
    this.setHeaderChecksum(updateChecksum16(this.headerChecksum(), before, identification));
  }

  /** Takes one hop away (RFC 1812 §5.3.1). A time to live of 0 stays 0; the caller answers 0 and 1 before that. */
  decrementTimeToLive(): void {
    const timeToLive = this.timeToLive();
    if (timeToLive === 0) return;
    const before = timeToLive * 256;
    this.frame[this.at + Ipv4Field.TimeToLive] = timeToLive - 1;
    this.setHeaderChecksum(updateChecksum16(this.headerChecksum(), before, before - 256));
  }

  /** Computes the header checksum anew: for headers made here, never for forwarded ones. */
  recomputeHeaderChecksum(): void {
    this.setHeaderChecksum(0);
    this.setHeaderChecksum(checksumOf(sumHeader(this.frame, this.at, this.headerBytes)));
  }

  private setHeaderChecksum(checksum: number): void {
    write16(this.frame, this.at + Ipv4Field.HeaderChecksum, checksum);
  }
}
