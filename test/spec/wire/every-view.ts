// SPDX-License-Identifier: GPL-2.0-only
// Takes any bytes as whatever they may be, attaches every view to them and uses all that a view offers.
//
// What the accessors give is added up: a look behind the end of a buffer that is a Lua table gives nil, on which
// arithmetic throws. Buffers of a fuzzer end at a page that nobody may touch.

import type { Bytes } from "../../../src/wire/bytes";
import { EspView } from "../../../src/wire/esp";
import { EthernetView } from "../../../src/wire/ethernet";
import { WIRE_FAULTS, type WireFault } from "../../../src/wire/fault";
import { Fragmenter } from "../../../src/wire/fragmenter";
import { IcmpView } from "../../../src/wire/icmp";
import { writeTimeExceeded } from "../../../src/wire/icmp-error";
import { Ipv4View, Protocol } from "../../../src/wire/ipv4";
import { IsakmpView, natTraversalPayload } from "../../../src/wire/isakmp";
import { TcpView } from "../../../src/wire/tcp";
import { UdpView } from "../../../src/wire/udp";
import type { Random } from "../random";

/** Fragments made of one packet at most: of 64 KB with the smallest payload used here they would be thousands. */
const FRAGMENTS_MAX = 100;

export class EveryView {
  private readonly ethernet = new EthernetView();
  private readonly ip = new Ipv4View();
  private readonly udp = new UdpView();
  private readonly tcp = new TcpView();
  private readonly icmp = new IcmpView();
  private readonly esp = new EspView();
  private readonly isakmp = new IsakmpView();
  private readonly fragmenter = new Fragmenter();

  /**
   * @param into room for a packet of 1500 bytes
   * @param onResult told of each attach: what was attached, and the fault that refused it
   */
  constructor(
    private readonly into: Bytes,
    private readonly onResult: (what: string, fault: WireFault | undefined) => void,
  ) {}

  asFrame(bytes: Bytes, at: number, availableBytes: number): void {
    this.isTaken("ethernet", this.ethernet.attach(bytes, at, availableBytes));
  }

  asPacket(bytes: Bytes, at: number, availableBytes: number, random: Random): void {
    const ip = this.ip;
    if (!this.isTaken("ipv4", ip.attach(bytes, at, availableBytes))) return;
    demandNumber(useIpv4(ip) + lastByte(ip));
    const isFirst = ip.isFirstFragment();
    if (ip.protocol() === Protocol.Icmp) this.asIcmp(bytes, ip.payloadAt, ip.payloadBytes, isFirst, random);
    this.asTransport(bytes, ip.payloadAt, ip.payloadBytes, isFirst, random);
    this.rewriteIpv4(random);
  }

  /** Attaches every view to the same bytes, as if each were told that they are its protocol, and uses what is taken. */
  asTransport(bytes: Bytes, at: number, availableBytes: number, isFirst: boolean, random: Random): void {
    const { esp, isakmp, tcp, udp } = this;
    if (this.isTaken("esp", esp.attach(bytes, at, availableBytes))) demandNumber(esp.spi() + esp.sequenceNumber());
    if (this.isTaken("isakmp", isakmp.attach(bytes, at, availableBytes, isFirst))) demandNumber(useIsakmp(isakmp));
    if (type(natTraversalPayload(bytes, at, availableBytes)) !== "string") error("no kind of NAT traversal", 0);
    if (this.isTaken("udp", udp.attach(bytes, at, availableBytes, isFirst))) {
      const fault = isakmp.attach(bytes, udp.payloadAt, udp.payloadBytes, isFirst);
      if (this.isTaken("isakmp in udp", fault)) demandNumber(useIsakmp(isakmp));
      demandNumber(useUdp(udp, random));
    }
    if (this.isTaken("tcp", tcp.attach(bytes, at, availableBytes, isFirst))) demandNumber(useTcp(tcp, random));
    this.asIcmp(bytes, at, availableBytes, isFirst, random);
  }

  private asIcmp(bytes: Bytes, at: number, availableBytes: number, isFirst: boolean, random: Random): void {
    const { icmp } = this;
    if (!this.isTaken("icmp", icmp.attach(bytes, at, availableBytes, isFirst))) return;
    if (icmp.isError) this.onResult("icmp error", undefined);
    demandNumber(useIcmp(icmp, random));
  }

  /** Whether an attach took the bytes; a refusal must be one of the named ones. */
  private isTaken(what: string, fault: WireFault | undefined): boolean {
    if (fault !== undefined && WIRE_FAULTS[fault] === undefined) error(`${what}: "${fault}" is no fault`, 0);
    this.onResult(what, fault);
    return fault === undefined;
  }

  private rewriteIpv4(random: Random): void {
    const { fragmenter, into, ip } = this;
    ip.setSource(random.word());
    ip.setDestination(random.word());
    ip.setIdentification(random.below(0x10000));
    ip.decrementTimeToLive();
    ip.recomputeHeaderChecksum();
    writeTimeExceeded(into, 0, random.word(), ip);
    if (fragmenter.start(ip, 28 + random.below(100)) !== undefined) return;
    for (const _ of $range(1, FRAGMENTS_MAX)) {
      if (fragmenter.next(into, 0) === 0) return;
    }
  }
}

function demandNumber(value: number): void {
  if (type(value) !== "number") error("an accessor gave no number", 0);
}

function one(flag: boolean): number {
  return flag ? 1 : 0;
}

function useIpv4(ip: Ipv4View): number {
  const sum = ip.typeOfService() + ip.identification() + ip.timeToLive() + ip.protocol() + ip.headerChecksum();
  const flags = one(ip.dontFragment()) + one(ip.moreFragments()) + one(ip.isFragment()) + one(ip.isFirstFragment());
  return sum + flags + ip.source() + ip.destination() + ip.fragmentOffsetBytes() + one(ip.hasOptions());
}

function useUdp(udp: UdpView, random: Random): number {
  udp.setSourcePort(random.below(0x10000));
  udp.setDestinationPort(random.below(0x10000));
  udp.applyAddressChange(random.word(), random.word());
  udp.completeChecksum(random.word(), random.word());
  return udp.sourcePort() + udp.destinationPort() + udp.checksum() + lastByte(udp);
}

function useTcp(tcp: TcpView, random: Random): number {
  tcp.setSourcePort(random.below(0x10000));
  tcp.setDestinationPort(random.below(0x10000));
  tcp.applyAddressChange(random.word(), random.word());
  tcp.completeChecksum(random.word(), random.word());
  const flags = one(tcp.isSyn()) + one(tcp.isAck()) + one(tcp.isFin()) + one(tcp.isRst());
  const ports = tcp.sourcePort() + tcp.destinationPort();
  const numbers = tcp.sequenceNumber() + tcp.acknowledgmentNumber();
  return flags + ports + numbers + tcp.flags() + tcp.checksum() + lastByte(tcp);
}

function useIcmp(icmp: IcmpView, random: Random): number {
  const kinds = one(icmp.isQueryRequest()) + one(icmp.isQueryReply()) + one(icmp.isFragmentationNeeded());
  const query = icmp.queryIdentifier() + icmp.querySequence() + icmp.nextHopMtuBytes();
  const has = one(icmp.hasEmbeddedPorts()) + one(icmp.hasEmbeddedQueryIdentifier()) + one(icmp.hasEmbeddedCookies());
  const ports = icmp.embeddedSourcePort() + icmp.embeddedDestinationPort() + icmp.embeddedQueryIdentifier();
  const initiator = icmp.embeddedInitiatorCookieHigh() + icmp.embeddedInitiatorCookieLow();
  const responder = icmp.embeddedResponderCookieHigh() + icmp.embeddedResponderCookieLow();
  icmp.setEmbeddedSource(random.word());
  icmp.setEmbeddedDestination(random.word());
  icmp.setEmbeddedSourcePort(random.below(0x10000));
  icmp.setEmbeddedDestinationPort(random.below(0x10000));
  icmp.setEmbeddedQueryIdentifier(random.below(0x10000));
  icmp.setQueryIdentifier(random.below(0x10000));
  const header = icmp.type() + icmp.code() + icmp.checksum();
  return header + kinds + query + has + ports + initiator + responder + icmp.embeddedSpi();
}

function useIsakmp(isakmp: IsakmpView): number {
  const initiator = isakmp.initiatorCookieHigh() + isakmp.initiatorCookieLow();
  const responder = isakmp.responderCookieHigh() + isakmp.responderCookieLow();
  const v1 = one(isakmp.isEncrypted()) + one(isakmp.isCommit()) + one(isakmp.hasResponderCookie());
  const v2 = one(isakmp.isFromInitiator()) + one(isakmp.isResponse()) + one(isakmp.mayCreateChildSa());
  const version = isakmp.majorVersion() + isakmp.minorVersion() + isakmp.exchangeType() + isakmp.nextPayload();
  return initiator + responder + v1 + v2 + version + isakmp.flags() + isakmp.messageId() + isakmp.lengthBytes();
}

/** The last byte of a payload: nil, and so an error, if the view claims more than there is. */
function lastByte(view: { frame: Bytes; payloadAt: number; payloadBytes: number }): number {
  return view.payloadBytes === 0 ? 0 : view.frame[view.payloadAt + view.payloadBytes - 1] + 0;
}
