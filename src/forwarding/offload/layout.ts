// SPDX-License-Identifier: GPL-2.0-only
// Where each field stands: of packets, of the kernel's descriptions of them, and of the maps that daemon and programs share.
//
// Addresses, ports and SPIs stand in maps as in packets, in network byte order, so that a program need not turn them;
// checksums too, whose sums are the same in either order (RFC 1071 §2 B). Numbers that are counted with are the CPU's.

import { Ipv4Field } from "../../wire/ipv4";
import type { Field } from "./instruction";

const OCTET = 1;
const HALF = 2;
const WORD = 4;
const LONG = 8;

function field<Bytes extends Field["bytes"]>(at: number, bytes: Bytes): { at: number; bytes: Bytes } {
  return { at, bytes };
}

/**
 * Of a frame, counted from the network header. The link header is taken in pieces that start at even words: on CPUs
 * without unaligned loads the kernel has frames start two bytes off, and its verifier asks for this (NET_IP_ALIGN).
 */
export const packet = {
  link: [field(-14, HALF), field(-12, WORD), field(-8, WORD), field(-4, WORD)],
  destinationStart: field(-14, HALF),
  destinationEnd: field(-12, WORD),
  etherType: field(-2, HALF),
  words: [0, 4, 8, 12, 16].map((at) => field(at, WORD)),
  versionAndLength: field(Ipv4Field.VersionAndHeaderLength, OCTET),
  totalLength: field(Ipv4Field.TotalLength, HALF),
  fragment: field(Ipv4Field.FlagsAndFragmentOffset, HALF),
  timeToLive: field(Ipv4Field.TimeToLive, OCTET),
  protocol: field(Ipv4Field.Protocol, OCTET),
  headerChecksum: field(Ipv4Field.HeaderChecksum, HALF),
  source: field(Ipv4Field.Source, WORD),
  destination: field(Ipv4Field.Destination, WORD),
  /** What tells the packets of two addresses apart: ESP's SPI, or the ports. */
  first: field(20, WORD),
  espSequence: field(24, WORD),
  udpLength: field(24, HALF),
  udpChecksum: field(26, HALF),
  tcpHeaderLength: field(32, OCTET),
  tcpFlags: field(33, OCTET),
  tcpChecksum: field(36, HALF),
} as const;

/** linux/bpf.h: struct xdp_md and struct __sk_buff. */
export const xdpContext = { data: field(0, WORD), dataEnd: field(4, WORD) } as const;
export const packetContext = {
  lengthBytes: field(0, WORD),
  packetType: field(4, WORD),
  mark: field(8, WORD),
  protocol: field(16, WORD),
  isTagged: field(20, WORD),
  tag: field(24, WORD),
  data: field(76, WORD),
  dataEnd: field(80, WORD),
} as const;

/** What a packet must have of itself in one piece to be looked at: headers of TCP or ESP without options. */
export const HEADERS_BYTES = 40;

/** The key of a packet, either way: as it comes in. */
export const key = {
  source: field(0, WORD),
  destination: field(4, WORD),
  first: field(8, WORD),
  /** In the CPU's byte order. */
  protocol: field(12, WORD),
} as const;
export const KEY_BYTES = 16;

/** What becomes of packets with a key. */
export const entry = {
  /** Replaces the source going out, the destination coming in. */
  address: field(0, WORD),
  /** Row of the next hop. */
  hop: field(4, WORD),
  /** What the address and one hop less of time to live add to the header's checksum (RFC 1624). */
  headerAdjustment: field(8, HALF),
  /** What the address and the ports add to the checksum of UDP or TCP. */
  transportAdjustment: field(10, HALF),
  /** The highest ESP sequence number that came in, in the CPU's byte order. */
  sequence: field(12, WORD),
  /** In its place, of UDP and TCP: both ports as they are sent on. */
  ports: field(12, WORD),
  /** Packets × 2⁴⁰ + bytes: one atomic addition counts both. */
  tally: field(16, LONG),
  /** When the last packet passed, on the clock of CLOCK_MONOTONIC. */
  usedNs: field(24, LONG),
} as const;
export const ENTRY_BYTES = 32;
/** A tally's bits for bytes: a terabyte; above them is room for 16 million packets. */
export const TALLY_BYTES_BITS = 40;

/** A next hop: rows of an array, so that one change of a neighbour is one write, whatever the number of tunnels. */
export const hop = {
  /** The link header, which starts two bytes into the row: as in a packet, words of it are aligned. */
  link: [field(2, HALF), field(4, WORD), field(8, WORD), field(12, WORD)],
  interfaceIndex: field(16, WORD),
  /** The longest packet; 0 when the hop cannot be used now, so that none is short enough. */
  mtuBytes: field(20, WORD),
} as const;
export const HOP_BYTES = 24;
export const HOP_LINK_AT = 2;

/** Until when the programs may forward, as `usedNs`: the daemon renews it while it lives. */
export const lease = { untilNs: field(0, LONG) } as const;
export const LEASE_BYTES = 8;

/** What passed of each kind and way, for each CPU of its own: nobody waits for another's cache. */
export const tallies = { sum: field(0, LONG) } as const;
export const TALLY_BYTES = 8;
export const tallyRow = { esp: { outbound: 0, inbound: 1 }, flow: { outbound: 2, inbound: 3 } } as const;
export const TALLY_ROWS = 4;
