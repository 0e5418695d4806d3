// SPDX-License-Identifier: GPL-2.0-only
// Packets for specs, written as a person would describe them, and buffers to put them into.
//
//   const packet = ipv4({ from: "192.168.1.2", to: "203.0.113.1", carrying: esp({ spi: 0xc0ffee01 }) });
//   const bytes = bufferOf(packet);
//   view.attach(bytes, 0, packet.length);
//
// Packets are arrays of octets until they are put into a buffer, so they can be cut, joined and damaged by plain means.
// Nothing here uses the code under test: checksums are computed the plain way of RFC 1071, over the octets.

import type { Bytes } from "../../src/wire/bytes";

/** Bytes of a packet, 0 … 255 each. */
export type Octets = number[];

/** @noSelf */
interface Allocator {
  new: (type: string, count: number) => Bytes;
}

declare function pcall(call: (name: string) => unknown, name: string): LuaMultiReturn<[boolean, unknown]>;
declare function require(name: string): unknown;

const [hasFlatMemory, ffi] = pcall(require, "ffi");

/** `lengthBytes` zero bytes: flat memory under LuaJIT, a Lua table elsewhere. */
export function newBuffer(lengthBytes: number): Bytes {
  return hasFlatMemory ? (ffi as Allocator).new("uint8_t[?]", lengthBytes) : newTableBuffer(lengthBytes);
}

/** `lengthBytes` zero bytes in a Lua table on any Lua: beyond its end there is nil, on which arithmetic throws. */
export function newTableBuffer(lengthBytes: number): Bytes {
  const bytes: Bytes = {};
  for (const index of $range(0, lengthBytes - 1)) bytes[index] = 0;
  return bytes;
}

/** Copies octets into a buffer. */
export function putOctets(octets: Octets, into: Bytes, intoAt: number): void {
  for (const index of $range(0, octets.length - 1)) into[intoAt + index] = octets[index];
}

/** A new buffer that holds just these octets. */
export function bufferOf(octets: Octets): Bytes {
  const bytes = newBuffer(octets.length);
  putOctets(octets, bytes, 0);
  return bytes;
}

/** Likewise, always a Lua table: see {@link newTableBuffer}. */
export function tableBufferOf(octets: Octets): Bytes {
  const bytes = newTableBuffer(octets.length);
  putOctets(octets, bytes, 0);
  return bytes;
}

/** The octets of a part of a buffer. */
export function octetsOf(bytes: Bytes, at: number, lengthBytes: number): Octets {
  const octets: Octets = [];
  for (const index of $range(at, at + lengthBytes - 1)) octets.push(bytes[index]);
  return octets;
}

/** One array of all the parts in turn; long ones too, which spread syntax would not take in Lua. */
export function join(...parts: Octets[]): Octets {
  const octets: Octets = [];
  for (const part of parts) {
    for (const octet of part) octets.push(octet);
  }
  return octets;
}

/** Octets from hexadecimal digits; whatever is no digit separates: "45 00", "45:00", "4500". */
export function hex(text: string): Octets {
  const octets: Octets = [];
  for (const [digits] of string.gmatch(text, "%x%x")) octets.push(tonumber(digits, 16) ?? 0);
  return octets;
}

/** `count` octets 0, 1, 2, …, 255, 0, …: a payload in which misplaced bytes show. */
export function counting(count: number): Octets {
  const octets: Octets = [];
  for (const index of $range(0, count - 1)) octets.push(index & 0xff);
  return octets;
}

/** 16 bits in network byte order. */
export function octets16(value: number): Octets {
  return [(value >> 8) & 0xff, value & 0xff];
}

/** 32 bits, signed or unsigned, in network byte order. */
export function octets32(value: number): Octets {
  return [(value >> 24) & 0xff, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
}

/** The four octets of "192.0.2.1". */
export function addressOctets(address: string): Octets {
  const octets: Octets = [];
  for (const [digits] of string.gmatch(address, "%d+")) octets.push(tonumber(digits) ?? 0);
  return octets;
}

/** "192.0.2.1" as a word: the signed number that the views give. */
export function address(text: string): number {
  const [a, b, c, d] = addressOctets(text);
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** The Internet checksum of octets, the plain way: add all, fold, complement (RFC 1071 §1). */
export function internetChecksum(octets: Octets): number {
  let sum = 0;
  for (const index of $range(0, octets.length - 1, 2)) sum += octets[index] * 256 + (octets[index + 1] ?? 0);
  while (sum > 0xffff) sum = sum - 0xffff;
  return 0xffff - sum;
}

function pseudoHeader(from: Octets, to: Octets, protocol: number, lengthBytes: number): Octets {
  return join(from, to, [0, protocol], octets16(lengthBytes));
}

/**
 * What an IPv4 packet carries: its protocol number, and its octets once the addresses are known.
 *
 * @noSelf
 */
export interface Payload {
  protocol: number;
  octets: (from: Octets, to: Octets) => Octets;
}

/** Octets of any protocol. */
export function raw(protocol: number, octets: Octets): Payload {
  return { protocol, octets: () => octets };
}

function paddedTo32Bits(options: Octets): Octets {
  const padded = join(options);
  while ((padded.length & 3) !== 0) padded.push(0);
  return padded;
}

export interface Ipv4Options {
  from: string;
  to: string;
  carrying: Payload;
  timeToLive?: number;
  identification?: number;
  typeOfService?: number;
  dontFragment?: boolean;
  moreFragments?: boolean;
  fragmentOffsetBytes?: number;
  /** Option bytes, padded to a multiple of 4 here. */
  options?: Octets;
  /** Instead of the right total length. */
  totalBytes?: number;
}

/** An IPv4 packet: time to live 64, identification 0x1234, no flags, no options. */
export function ipv4(packet: Ipv4Options): Octets {
  const from = addressOctets(packet.from);
  const to = addressOctets(packet.to);
  const options = paddedTo32Bits(packet.options ?? []);
  const payload = packet.carrying.octets(from, to);
  const headerBytes = 20 + options.length;
  const flags = (packet.dontFragment === true ? 0x4000 : 0) + (packet.moreFragments === true ? 0x2000 : 0);
  const header = join(
    [0x40 + (headerBytes >> 2), packet.typeOfService ?? 0],
    octets16(packet.totalBytes ?? headerBytes + payload.length),
    octets16(packet.identification ?? 0x1234),
    octets16(flags + ((packet.fragmentOffsetBytes ?? 0) >> 3)),
    [packet.timeToLive ?? 64, packet.carrying.protocol, 0, 0],
    from,
    to,
    options,
  );
  const checksum = octets16(internetChecksum(header));
  header[10] = checksum[0];
  header[11] = checksum[1];
  return join(header, payload);
}

/** How a transport checksum is made: right; "none" (UDP only); "partial": the pseudo header's sum, left to hardware. */
export type Checksumming = "right" | "none" | "partial";

function transportChecksum(kind: Checksumming, pseudo: Octets, octets: Octets): number {
  if (kind === "none") return 0;
  if (kind === "partial") return 0xffff - internetChecksum(pseudo);
  return internetChecksum(join(pseudo, octets));
}

export interface UdpOptions {
  fromPort: number;
  toPort: number;
  payload?: Octets;
  checksum?: Checksumming;
}

/** A UDP packet. */
export function udp(packet: UdpOptions): Payload {
  const payload = packet.payload ?? [];
  const lengthBytes = 8 + payload.length;
  const portsAndLength = join(octets16(packet.fromPort), octets16(packet.toPort), octets16(lengthBytes));
  const octets = (from: Octets, to: Octets): Octets => {
    const kind = packet.checksum ?? "right";
    const plain = join(portsAndLength, [0, 0], payload);
    const computed = transportChecksum(kind, pseudoHeader(from, to, 17, lengthBytes), plain);
    const checksum = computed === 0 && kind === "right" ? 0xffff : computed;
    return join(portsAndLength, octets16(checksum), payload);
  };
  return { protocol: 17, octets };
}

export interface TcpOptions {
  fromPort: number;
  toPort: number;
  sequence?: number;
  acknowledgment?: number;
  /** "S", "SA", "FA", "R" …: letters of FIN, SYN, RST, PSH, ACK, URG. */
  flags?: string;
  options?: Octets;
  payload?: Octets;
  checksum?: Exclude<Checksumming, "none">;
}

function tcpFlagBits(letters: string): number {
  let bits = 0;
  for (const [letter] of string.gmatch(letters, ".")) {
    const [position] = string.find("FSRPAU", letter, 1, true);
    bits += 1 << ((position ?? 1) - 1);
  }
  return bits;
}

/** A TCP segment: an ACK if nothing else is said. */
export function tcp(segment: TcpOptions): Payload {
  const options = paddedTo32Bits(segment.options ?? []);
  const octets = (from: Octets, to: Octets): Octets => {
    const plain = join(
      octets16(segment.fromPort),
      octets16(segment.toPort),
      octets32(segment.sequence ?? 1),
      octets32(segment.acknowledgment ?? 1),
      [((20 + options.length) >> 2) << 4, tcpFlagBits(segment.flags ?? "A")],
      octets16(0x7210),
      [0, 0, 0, 0],
      options,
      segment.payload ?? [],
    );
    const pseudo = pseudoHeader(from, to, 6, plain.length);
    const checksum = octets16(transportChecksum(segment.checksum ?? "right", pseudo, plain));
    plain[16] = checksum[0];
    plain[17] = checksum[1];
    return plain;
  };
  return { protocol: 6, octets };
}

export interface EspOptions {
  spi: number;
  sequence?: number;
  /** What stands for the encrypted part; 56 bytes if nothing is said. */
  payload?: Octets;
}

/** An ESP packet. */
export function esp(packet: EspOptions): Payload {
  return raw(50, join(octets32(packet.spi), octets32(packet.sequence ?? 1), packet.payload ?? counting(56)));
}

export interface IsakmpOptions {
  /** 16 hexadecimal digits. */
  initiatorCookie: string;
  /** 16 hexadecimal digits; all zero if nothing is said, as in the first message. */
  responderCookie?: string;
  /** 1 or 2; 2 if nothing is said. */
  majorVersion?: number;
  exchangeType?: number;
  nextPayload?: number;
  flags?: number;
  messageId?: number;
  /** The payloads behind the header; 32 bytes if nothing is said. */
  payload?: Octets;
  /** Instead of the right length. */
  lengthBytes?: number;
}

/** An IKE message, to be the payload of {@link udp}: an IKE_SA_INIT (34) if nothing else is said. */
export function isakmp(message: IsakmpOptions): Octets {
  const payload = message.payload ?? counting(32);
  const version = (message.majorVersion ?? 2) << 4;
  return join(
    hex(message.initiatorCookie),
    hex(message.responderCookie ?? "0000000000000000"),
    [message.nextPayload ?? 33, version, message.exchangeType ?? 34, message.flags ?? 0],
    octets32(message.messageId ?? 0),
    octets32(message.lengthBytes ?? 28 + payload.length),
    payload,
  );
}

/** An IKE message from port 500 to port 500. */
export function ike(message: IsakmpOptions): Payload {
  return udp({ fromPort: 500, toPort: 500, payload: isakmp(message) });
}

/** An ICMP message, given all but its checksum. */
function icmp(type: number, code: number, rest: Octets): Payload {
  const checksum = internetChecksum(join([type, code, 0, 0], rest));
  return raw(1, join([type, code], octets16(checksum), rest));
}

export interface IcmpEchoOptions {
  identifier: number;
  sequence?: number;
  reply?: boolean;
  payload?: Octets;
}

/** An echo request, or the reply to one. */
export function icmpEcho(echo: IcmpEchoOptions): Payload {
  const rest = join(octets16(echo.identifier), octets16(echo.sequence ?? 1), echo.payload ?? counting(16));
  return icmp(echo.reply === true ? 0 : 8, 0, rest);
}

export interface IcmpErrorOptions {
  /** The packet that the error is about: the octets of {@link ipv4}. */
  about: Octets;
  /** 3, destination unreachable, if nothing is said. */
  type?: number;
  /** 4, fragmentation needed, if nothing is said. */
  code?: number;
  /** For fragmentation needed. */
  nextHopMtuBytes?: number;
  /** How much of the packet is quoted at most; all of it if nothing is said. 28 is what RFC 792 asks for. */
  quotedBytes?: number;
}

/** An ICMP error: destination unreachable, fragmentation needed, if nothing else is said. */
export function icmpError(error: IcmpErrorOptions): Payload {
  const quoted = error.about.slice(0, error.quotedBytes ?? error.about.length);
  return icmp(error.type ?? 3, error.code ?? 4, join([0, 0], octets16(error.nextHopMtuBytes ?? 0), quoted));
}

/** Cuts a packet without options into fragments of `payloadBytes` (a multiple of 8) each, the last one shorter. */
export function fragmentsOf(packet: Octets, payloadBytes: number): Octets[] {
  const fragments: Octets[] = [];
  const dotted = (at: number): string => packet.slice(at, at + 4).join(".");
  for (const offset of $range(0, packet.length - 21, payloadBytes)) {
    const octets = packet.slice(20 + offset, 20 + offset + payloadBytes);
    fragments.push(
      ipv4({
        from: dotted(12),
        to: dotted(16),
        carrying: raw(packet[9], octets),
        timeToLive: packet[8],
        identification: packet[4] * 256 + packet[5],
        moreFragments: 20 + offset + payloadBytes < packet.length,
        fragmentOffsetBytes: offset,
      }),
    );
  }
  return fragments;
}

export interface EthernetOptions {
  payload: Octets;
  /** 12 hexadecimal digits, with or without separators. */
  to?: string;
  from?: string;
  etherType?: number;
  /** The tag control information of an 802.1Q tag: priority and VLAN. */
  vlanTag?: number;
}

/** An Ethernet frame, IPv4 if nothing else is said. */
export function ethernet(frame: EthernetOptions): Octets {
  const tag = frame.vlanTag === undefined ? [] : join(octets16(0x8100), octets16(frame.vlanTag));
  return join(
    hex(frame.to ?? "02:00:00:00:00:01"),
    hex(frame.from ?? "02:00:00:00:00:02"),
    tag,
    octets16(frame.etherType ?? 0x0800),
    frame.payload,
  );
}

function isTransportChecksumRight(packet: Octets, headerBytes: number): boolean {
  const protocol = packet[9];
  const payload = packet.slice(headerBytes);
  if (protocol === 1) return internetChecksum(payload) === 0;
  if (protocol === 17 && payload[6] === 0 && payload[7] === 0) return true;
  if (protocol !== 6 && protocol !== 17) return true;
  const pseudo = pseudoHeader(packet.slice(12, 16), packet.slice(16, 20), protocol, payload.length);
  return internetChecksum(join(pseudo, payload)) === 0;
}

/**
 * Which checksums of a whole IPv4 packet are wrong, in words; none is an empty array. Looks at the IPv4 header, at UDP,
 * TCP and ICMP, and inside ICMP errors at the quoted packet: its header, and its transport when it is quoted whole.
 */
export function wrongChecksums(packet: Octets): string[] {
  const wrong: string[] = [];
  const headerBytes = (packet[0] & 0xf) * 4;
  const totalBytes = packet[2] * 256 + packet[3];
  const isFragment = ((packet[6] * 256 + packet[7]) & 0x3fff) !== 0;
  const isWhole = totalBytes === packet.length && !isFragment;
  if (internetChecksum(packet.slice(0, headerBytes)) !== 0) wrong.push("IPv4 header");
  if (isWhole && !isTransportChecksumRight(packet, headerBytes)) wrong.push(`protocol ${packet[9]}`);
  const isError = packet[9] === 1 && [3, 4, 5, 11, 12].includes(packet[headerBytes]);
  if (isError && isWhole) {
    for (const what of wrongChecksums(packet.slice(headerBytes + 8))) wrong.push(`quoted ${what}`);
  }
  return wrong;
}
