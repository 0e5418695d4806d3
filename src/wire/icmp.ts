// SPDX-License-Identifier: GPL-2.0-only
// ICMP (RFC 792): queries, flows with an identifier for a port, and errors, which quote the packet they are about.
//
// The quoted ("embedded") packet is the only clue to whom an error belongs, and a translator must undo in it what it
// did to the packet itself (RFC 5508 §4). All writing goes through `rewrite16`, which keeps the ICMP checksum right.

import { Bytes, read16, readWord, write16 } from "./bytes";
import { foldSum, sumBytes, updateChecksum16, updateChecksumWord } from "./checksum";
import { Ipv4Fault, Ipv4Field, Ipv4View, Protocol } from "./ipv4";
import { COOKIES_BYTES, ISAKMP_PORT, IsakmpField } from "./isakmp";
import { TcpField } from "./tcp";
import { UDP_HEADER_BYTES, udpChecksumOnWire, UdpField } from "./udp";

/** Where each field of a message starts, in bytes. What stands at 4 depends on the type. */
export const enum IcmpField {
  Type = 0,
  Code = 1,
  Checksum = 2,
  QueryIdentifier = 4,
  QuerySequence = 6,
  /** Fragmentation needed: the MTU of the link that was too narrow (RFC 1191 §4). */
  NextHopMtu = 6,
  Embedded = 8,
}

/** Types of messages (RFC 792, RFC 950). */
export const enum IcmpType {
  EchoReply = 0,
  DestinationUnreachable = 3,
  SourceQuench = 4,
  Redirect = 5,
  EchoRequest = 8,
  TimeExceeded = 11,
  ParameterProblem = 12,
  TimestampRequest = 13,
  TimestampReply = 14,
  InformationRequest = 15,
  InformationReply = 16,
  AddressMaskRequest = 17,
  AddressMaskReply = 18,
}

/** Codes of destination unreachable (RFC 792, RFC 1812 §5.2.7.1). */
export const enum UnreachableCode {
  Network = 0,
  Host = 1,
  Protocol = 2,
  Port = 3,
  FragmentationNeeded = 4,
  AdministrativelyProhibited = 13,
}

/** Codes of time exceeded (RFC 792). */
export const enum TimeExceededCode {
  TimeToLive = 0,
  Reassembly = 1,
}

export const ICMP_HEADER_BYTES = 8;

/** What an error quotes at least of the payload of the packet it is about (RFC 792). */
const EMBEDDED_PAYLOAD_BYTES_MIN = 8;

/** Why bytes are not an ICMP message. */
export type IcmpFault =
  | "icmp-truncated"
  | "icmp-bad-checksum"
  | "icmp-embedded-truncated"
  | "icmp-embedded-malformed"
  | "icmp-embedded-bad-checksum";

/** One line for people about each fault. */
export const ICMP_FAULTS: Record<IcmpFault, string> = {
  "icmp-truncated": "the IPv4 packet ends before the ICMP header does",
  "icmp-bad-checksum": "the checksum of an ICMP error does not match the message",
  "icmp-embedded-truncated": "the quoted packet is shorter than its header and 8 bytes",
  "icmp-embedded-malformed": "the quoted packet has no well-formed IPv4 header",
  "icmp-embedded-bad-checksum": "the quoted packet's header checksum does not match it",
};

/** Whether messages of a type quote the packet that they are about (RFC 1122 §3.2.2). */
export function isIcmpError(type: number): boolean {
  return (
    type === IcmpType.DestinationUnreachable ||
    type === IcmpType.SourceQuench ||
    type === IcmpType.Redirect ||
    type === IcmpType.TimeExceeded ||
    type === IcmpType.ParameterProblem
  );
}

/** Whether messages of a type ask for a reply that bears the same identifier. */
export function isIcmpQueryRequest(type: number): boolean {
  return (
    type === IcmpType.EchoRequest ||
    type === IcmpType.TimestampRequest ||
    type === IcmpType.InformationRequest ||
    type === IcmpType.AddressMaskRequest
  );
}

/** Whether messages of a type are such a reply. */
export function isIcmpQueryReply(type: number): boolean {
  return (
    type === IcmpType.EchoReply ||
    type === IcmpType.TimestampReply ||
    type === IcmpType.InformationReply ||
    type === IcmpType.AddressMaskReply
  );
}

/** The fault of a whole message whose quoted header has `fault`. */
function embeddedFault(fault: Ipv4Fault): IcmpFault {
  if (fault === "ipv4-truncated") return "icmp-embedded-truncated";
  if (fault === "ipv4-bad-checksum") return "icmp-embedded-bad-checksum";
  return "icmp-embedded-malformed";
}

/** No field: the quoted packet does not have it, or it was cut off. */
const ABSENT = -1;

/** A view over one ICMP message in a frame. Keep one instance and attach it to each message in turn. */
export class IcmpView {
  frame: Bytes = {};
  at = 0;
  /** Header and payload: the IPv4 payload. */
  messageBytes = 0;
  /** Whether this is an error, and {@link embedded} is attached to the packet that it quotes. */
  isError = false;
  /** The header that an error quotes. Read it freely, but write only by `setEmbedded…`. */
  readonly embedded = new Ipv4View();
  private embeddedPortsAt = ABSENT;
  private embeddedChecksumAt = ABSENT;
  private embeddedIdentifierAt = ABSENT;
  private embeddedSpiAt = ABSENT;
  private embeddedCookiesAt = ABSENT;

  /**
   * Takes the ICMP message at `at`. Of errors the checksum is verified, and that of the quoted header, because a
   * damaged one would be passed to a wrong client (RFC 5508 REQ-3); queries are verified by who gets them.
   *
   * @param availableBytes the IPv4 payload
   * @param isFirstFragment whether the rest comes in other fragments: the checksum cannot be verified then
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number, isFirstFragment: boolean): IcmpFault | undefined {
    if (availableBytes < ICMP_HEADER_BYTES) return "icmp-truncated";
    this.frame = frame;
    this.at = at;
    this.messageBytes = availableBytes;
    this.isError = isIcmpError(this.type());
    this.forgetEmbedded();
    if (!this.isError) return undefined;
    if (!isFirstFragment && foldSum(sumBytes(frame, at, availableBytes, 0)) !== 0xffff) return "icmp-bad-checksum";
    return this.attachEmbedded();
  }

  private forgetEmbedded(): void {
    this.embeddedPortsAt = ABSENT;
    this.embeddedChecksumAt = ABSENT;
    this.embeddedIdentifierAt = ABSENT;
    this.embeddedSpiAt = ABSENT;
    this.embeddedCookiesAt = ABSENT;
  }

  private attachEmbedded(): IcmpFault | undefined {
    const embedded = this.embedded;
    const availableBytes = this.messageBytes - IcmpField.Embedded;
    const fault = embedded.attachHeader(this.frame, this.at + IcmpField.Embedded, availableBytes);
    if (fault !== undefined) return embeddedFault(fault);
    if (embedded.payloadBytes < EMBEDDED_PAYLOAD_BYTES_MIN) return "icmp-embedded-truncated";
    if (embedded.fragmentOffsetBytes() === 0) this.locateEmbeddedFields(embedded.protocol(), embedded.payloadAt);
    return undefined;
  }

  private locateEmbeddedFields(protocol: number, payloadAt: number): void {
    if (protocol === Protocol.Esp) {
      this.embeddedSpiAt = payloadAt;
    } else if (protocol === Protocol.Udp) {
      this.locateEmbeddedUdpFields(payloadAt);
    } else if (protocol === Protocol.Tcp) {
      this.embeddedPortsAt = payloadAt;
      if (this.embedded.payloadBytes >= TcpField.Checksum + 2) this.embeddedChecksumAt = payloadAt + TcpField.Checksum;
    } else if (protocol === Protocol.Icmp) {
      const type = this.frame[payloadAt];
      if (isIcmpQueryRequest(type) || isIcmpQueryReply(type)) {
        this.embeddedIdentifierAt = payloadAt + IcmpField.QueryIdentifier;
      }
    }
  }

  private locateEmbeddedUdpFields(payloadAt: number): void {
    this.embeddedPortsAt = payloadAt;
    if (read16(this.frame, payloadAt + UdpField.Checksum) !== 0)
      this.embeddedChecksumAt = payloadAt + UdpField.Checksum;
    const isIke = this.embeddedSourcePort() === ISAKMP_PORT || this.embeddedDestinationPort() === ISAKMP_PORT;
    if (isIke && this.embedded.payloadBytes >= UDP_HEADER_BYTES + COOKIES_BYTES) {
      this.embeddedCookiesAt = payloadAt + UDP_HEADER_BYTES;
    }
  }

  /** A value of {@link IcmpType}, or any other number. */
  type(): number {
    return this.frame[this.at + IcmpField.Type];
  }

  code(): number {
    return this.frame[this.at + IcmpField.Code];
  }

  checksum(): number {
    return read16(this.frame, this.at + IcmpField.Checksum);
  }

  isQueryRequest(): boolean {
    return isIcmpQueryRequest(this.type());
  }

  isQueryReply(): boolean {
    return isIcmpQueryReply(this.type());
  }

  /** What tells the queries of one host apart, as a port does for UDP; meaningful for queries only. */
  queryIdentifier(): number {
    return read16(this.frame, this.at + IcmpField.QueryIdentifier);
  }

  querySequence(): number {
    return read16(this.frame, this.at + IcmpField.QuerySequence);
  }

  setQueryIdentifier(identifier: number): void {
    this.rewrite16(this.at + IcmpField.QueryIdentifier, identifier);
  }

  isFragmentationNeeded(): boolean {
    return this.type() === IcmpType.DestinationUnreachable && this.code() === UnreachableCode.FragmentationNeeded;
  }

  /** The MTU in a "fragmentation needed"; 0 from routers older than RFC 1191. */
  nextHopMtuBytes(): number {
    return read16(this.frame, this.at + IcmpField.NextHopMtu);
  }

  /** Whether the quoted packet shows its ports: TCP or UDP, and not a later fragment. */
  hasEmbeddedPorts(): boolean {
    return this.embeddedPortsAt !== ABSENT;
  }

  /** 0 when not there. */
  embeddedSourcePort(): number {
    return this.embeddedPortsAt === ABSENT ? 0 : read16(this.frame, this.embeddedPortsAt);
  }

  /** 0 when not there. */
  embeddedDestinationPort(): number {
    return this.embeddedPortsAt === ABSENT ? 0 : read16(this.frame, this.embeddedPortsAt + 2);
  }

  /** Whether the quoted packet is an ICMP query, which has an identifier. */
  hasEmbeddedQueryIdentifier(): boolean {
    return this.embeddedIdentifierAt !== ABSENT;
  }

  /** 0 when not there. */
  embeddedQueryIdentifier(): number {
    return this.embeddedIdentifierAt === ABSENT ? 0 : read16(this.frame, this.embeddedIdentifierAt);
  }

  /** The SPI of a quoted ESP packet, a word; 0, which no SA has, when the quoted packet is something else. */
  embeddedSpi(): number {
    return this.embeddedSpiAt === ABSENT ? 0 : readWord(this.frame, this.embeddedSpiAt);
  }

  /** Whether the quoted packet is an IKE message on port 500 and long enough to show both cookies. */
  hasEmbeddedCookies(): boolean {
    return this.embeddedCookiesAt !== ABSENT;
  }

  /** A word; 0 when not there. */
  embeddedInitiatorCookieHigh(): number {
    return this.embeddedCookieWord(IsakmpField.InitiatorCookie);
  }

  /** A word; 0 when not there. */
  embeddedInitiatorCookieLow(): number {
    return this.embeddedCookieWord(IsakmpField.InitiatorCookie + 4);
  }

  /** A word; 0 when not there. */
  embeddedResponderCookieHigh(): number {
    return this.embeddedCookieWord(IsakmpField.ResponderCookie);
  }

  /** A word; 0 when not there. */
  embeddedResponderCookieLow(): number {
    return this.embeddedCookieWord(IsakmpField.ResponderCookie + 4);
  }

  private embeddedCookieWord(offset: number): number {
    return this.embeddedCookiesAt === ABSENT ? 0 : readWord(this.frame, this.embeddedCookiesAt + offset);
  }

  /** Rewrites the quoted packet's source (a word), its header checksum, and its UDP or TCP checksum where quoted. */
  setEmbeddedSource(word: number): void {
    this.setEmbeddedAddress(this.embedded.at + Ipv4Field.Source, word);
  }

  /** Rewrites the quoted packet's destination (a word), likewise. */
  setEmbeddedDestination(word: number): void {
    this.setEmbeddedAddress(this.embedded.at + Ipv4Field.Destination, word);
  }

  private setEmbeddedAddress(addressAt: number, word: number): void {
    if (!this.isError) return;
    const before = readWord(this.frame, addressAt);
    const headerChecksum = updateChecksumWord(this.embedded.headerChecksum(), before, word);
    this.rewrite16(this.embedded.at + Ipv4Field.HeaderChecksum, headerChecksum);
    this.rewrite16(addressAt, (word >> 16) & 0xffff);
    this.rewrite16(addressAt + 2, word & 0xffff);
    if (this.embeddedChecksumAt === ABSENT) return;
    this.rewriteEmbeddedChecksum(updateChecksumWord(read16(this.frame, this.embeddedChecksumAt), before, word));
  }

  /** Rewrites the quoted packet's source port and the checksum over it where quoted; nothing when there is no port. */
  setEmbeddedSourcePort(port: number): void {
    if (this.embeddedPortsAt !== ABSENT) this.setEmbeddedPort(this.embeddedPortsAt, port);
  }

  /** Rewrites the quoted packet's destination port, likewise. */
  setEmbeddedDestinationPort(port: number): void {
    if (this.embeddedPortsAt !== ABSENT) this.setEmbeddedPort(this.embeddedPortsAt + 2, port);
  }

  private setEmbeddedPort(portAt: number, port: number): void {
    const before = read16(this.frame, portAt);
    this.rewrite16(portAt, port);
    if (this.embeddedChecksumAt === ABSENT) return;
    this.rewriteEmbeddedChecksum(updateChecksum16(read16(this.frame, this.embeddedChecksumAt), before, port));
  }

  private rewriteEmbeddedChecksum(checksum: number): void {
    const isUdp = this.embedded.protocol() === Protocol.Udp;
    this.rewrite16(this.embeddedChecksumAt, isUdp ? udpChecksumOnWire(checksum) : checksum);
  }

  /** Rewrites the identifier of a quoted query and that query's checksum; nothing when it is not a query. */
  setEmbeddedQueryIdentifier(identifier: number): void {
    if (this.embeddedIdentifierAt === ABSENT) return;
    const before = this.embeddedQueryIdentifier();
    const checksumAt = this.embedded.payloadAt + IcmpField.Checksum;
    this.rewrite16(this.embeddedIdentifierAt, identifier);
    this.rewrite16(checksumAt, updateChecksum16(read16(this.frame, checksumAt), before, identifier));
  }

  /** Writes 16 bits of the message, at an even distance from its start, and follows with the ICMP checksum. */
  private rewrite16(fieldAt: number, value: number): void {
    const checksum = updateChecksum16(this.checksum(), read16(this.frame, fieldAt), value);
    write16(this.frame, fieldAt, value);
    write16(this.frame, this.at + IcmpField.Checksum, checksum);
  }
}
