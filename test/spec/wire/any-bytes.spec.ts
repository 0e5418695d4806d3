// SPDX-License-Identifier: GPL-2.0-only
// Any bytes at all give a value or a named reason, never an error and never a look beyond the packet.
//
// Buffers are Lua tables that end with the packet on every Lua: a byte behind the end is nil, and the sum of what the
// accessors give then throws. Mutated packets get their header checksum repaired, or none would pass the first check.

import type { Bytes } from "../../../src/wire/bytes";
import { EspView } from "../../../src/wire/esp";
import { EthernetView } from "../../../src/wire/ethernet";
import { WIRE_FAULTS, WireFault } from "../../../src/wire/fault";
import { Fragmenter } from "../../../src/wire/fragmenter";
import { IcmpView } from "../../../src/wire/icmp";
import { writeTimeExceeded } from "../../../src/wire/icmp-error";
import { Ipv4View, Protocol } from "../../../src/wire/ipv4";
import { IsakmpView, natTraversalPayload } from "../../../src/wire/isakmp";
import { TcpView } from "../../../src/wire/tcp";
import { UdpView } from "../../../src/wire/udp";
import {
  counting,
  esp,
  fragmentsOf,
  hex,
  icmpEcho,
  icmpError,
  ike,
  internetChecksum,
  ipv4,
  newTableBuffer,
  Octets,
  putOctets,
  tableBufferOf,
  tcp,
  udp,
} from "../frame";
import { Random } from "../random";

const ethernet = new EthernetView();
const ip = new Ipv4View();
const udpView = new UdpView();
const tcpView = new TcpView();
const icmp = new IcmpView();
const espView = new EspView();
const isakmp = new IsakmpView();
const fragmenter = new Fragmenter();
const into = newTableBuffer(1500);

/** How often each attach took what it was given: to see that the random bytes reach behind the checks. */
let taken: Record<string, number> = {};

/** Whether an attach took the bytes; a refusal must be one of the named ones. */
function isTaken(what: string, fault: WireFault | undefined): boolean {
  if (fault !== undefined) {
    assert.is_not_nil(WIRE_FAULTS[fault], fault);
    return false;
  }
  taken[what] = (taken[what] ?? 0) + 1;
  return true;
}

function countBoolean(...flags: boolean[]): number {
  let count = 0;
  for (const flag of flags) count += flag ? 1 : 0;
  return count;
}

function useIpv4(): number {
  const sum = ip.typeOfService() + ip.identification() + ip.timeToLive() + ip.protocol() + ip.headerChecksum();
  const flags = countBoolean(ip.dontFragment(), ip.moreFragments(), ip.isFragment(), ip.isFirstFragment());
  return sum + flags + ip.source() + ip.destination() + ip.fragmentOffsetBytes() + countBoolean(ip.hasOptions());
}

function rewriteIpv4(random: Random): void {
  ip.setSource(random.word());
  ip.setDestination(random.word());
  ip.setIdentification(random.below(0x10000));
  ip.decrementTimeToLive();
  ip.recomputeHeaderChecksum();
  writeTimeExceeded(into, 0, random.word(), ip);
  if (fragmenter.start(ip, 28 + random.below(100)) !== undefined) return;
  for (const _ of $range(1, 100)) {
    if (fragmenter.next(into, 0) === 0) return;
  }
}

function useUdp(random: Random): number {
  udpView.setSourcePort(random.below(0x10000));
  udpView.setDestinationPort(random.below(0x10000));
  udpView.applyAddressChange(random.word(), random.word());
  udpView.completeChecksum(random.word(), random.word());
  return udpView.sourcePort() + udpView.destinationPort() + udpView.checksum() + lastByte(udpView);
}

function useTcp(random: Random): number {
  tcpView.setSourcePort(random.below(0x10000));
  tcpView.setDestinationPort(random.below(0x10000));
  tcpView.applyAddressChange(random.word(), random.word());
  tcpView.completeChecksum(random.word(), random.word());
  const flags = countBoolean(tcpView.isSyn(), tcpView.isAck(), tcpView.isFin(), tcpView.isRst());
  const ports = tcpView.sourcePort() + tcpView.destinationPort();
  const numbers = tcpView.sequenceNumber() + tcpView.acknowledgmentNumber();
  return flags + ports + numbers + tcpView.flags() + tcpView.checksum() + lastByte(tcpView);
}

function useIcmp(random: Random): number {
  const kinds = countBoolean(icmp.isQueryRequest(), icmp.isQueryReply(), icmp.isFragmentationNeeded());
  const query = icmp.queryIdentifier() + icmp.querySequence() + icmp.nextHopMtuBytes();
  const has = countBoolean(icmp.hasEmbeddedPorts(), icmp.hasEmbeddedQueryIdentifier(), icmp.hasEmbeddedCookies());
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

function useIsakmp(): number {
  const initiator = isakmp.initiatorCookieHigh() + isakmp.initiatorCookieLow();
  const responder = isakmp.responderCookieHigh() + isakmp.responderCookieLow();
  const v1 = countBoolean(isakmp.isEncrypted(), isakmp.isCommit(), isakmp.hasResponderCookie());
  const v2 = countBoolean(isakmp.isFromInitiator(), isakmp.isResponse(), isakmp.mayCreateChildSa());
  const version = isakmp.majorVersion() + isakmp.minorVersion() + isakmp.exchangeType() + isakmp.nextPayload();
  return initiator + responder + v1 + v2 + version + isakmp.flags() + isakmp.messageId() + isakmp.lengthBytes();
}

/** The last byte of a payload: nil, and so an error, if the view claims more than there is. */
function lastByte(view: { frame: Bytes; payloadAt: number; payloadBytes: number }): number {
  return view.payloadBytes === 0 ? 0 : view.frame[view.payloadAt + view.payloadBytes - 1] + 0;
}

/** Attaches every view to the same bytes, as if each were told that they are its protocol, and uses what is taken. */
function tryAsTransport(bytes: Bytes, at: number, availableBytes: number, isFirst: boolean, random: Random): void {
  if (isTaken("esp", espView.attach(bytes, at, availableBytes))) {
    assert.equal("number", typeof (espView.spi() + espView.sequenceNumber()));
  }
  if (isTaken("isakmp", isakmp.attach(bytes, at, availableBytes, isFirst))) {
    assert.equal("number", typeof useIsakmp());
  }
  assert.equal("string", typeof natTraversalPayload(bytes, at, availableBytes));
  if (isTaken("udp", udpView.attach(bytes, at, availableBytes, isFirst))) {
    const isIke = isTaken("isakmp in udp", isakmp.attach(bytes, udpView.payloadAt, udpView.payloadBytes, isFirst));
    if (isIke) assert.equal("number", typeof useIsakmp());
    assert.equal("number", typeof useUdp(random));
  }
  if (isTaken("tcp", tcpView.attach(bytes, at, availableBytes, isFirst))) {
    assert.equal("number", typeof useTcp(random));
  }
  tryAsIcmp(bytes, at, availableBytes, isFirst, random);
}

function tryAsIcmp(bytes: Bytes, at: number, availableBytes: number, isFirst: boolean, random: Random): void {
  if (!isTaken("icmp", icmp.attach(bytes, at, availableBytes, isFirst))) return;
  if (icmp.isError) taken["icmp error"] = (taken["icmp error"] ?? 0) + 1;
  assert.equal("number", typeof useIcmp(random));
}

function tryAsPacket(bytes: Bytes, at: number, availableBytes: number, random: Random): void {
  if (!isTaken("ipv4", ip.attach(bytes, at, availableBytes))) return;
  assert.equal("number", typeof (useIpv4() + lastByte(ip)));
  const isFirst = ip.isFirstFragment();
  if (ip.protocol() === Protocol.Icmp) tryAsIcmp(bytes, ip.payloadAt, ip.payloadBytes, isFirst, random);
  tryAsTransport(bytes, ip.payloadAt, ip.payloadBytes, isFirst, random);
  rewriteIpv4(random);
}

const udpPacket = udp({ fromPort: 40000, toPort: 53, payload: counting(30) });
const ikePacket = ike({ initiatorCookie: "0123456789abcdef", responderCookie: "fedcba9876543210" });
const tcpPacket = tcp({ fromPort: 1, toPort: 2, flags: "S", options: hex("020405b4"), payload: counting(11) });
const aboutIke = ipv4({ from: "198.51.100.7", to: "203.0.113.1", carrying: ikePacket });
const packet = (carrying: typeof udpPacket): Octets => ipv4({ from: "192.168.1.2", to: "203.0.113.1", carrying });
const SEEDS: Octets[] = [
  packet(esp({ spi: 0xc0ffee01 })),
  packet(udpPacket),
  packet(ikePacket),
  packet(tcpPacket),
  packet(icmpEcho({ identifier: 9 })),
  packet(icmpError({ about: aboutIke })),
  packet(icmpError({ about: packet(tcpPacket), quotedBytes: 36 })),
  ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: udpPacket, options: hex("07 07 04 00 00 00 00 94 04 00 00") }),
  fragmentsOf(packet(udpPacket), 24)[0],
  fragmentsOf(packet(udpPacket), 24)[1],
];

/** Repairs the header checksum if the header is there as its first byte says. */
function repairHeader(octets: Octets): void {
  const headerBytes = ((octets[0] ?? 0) & 0xf) * 4;
  if (headerBytes < 20 || headerBytes > octets.length) return;
  octets[10] = 0;
  octets[11] = 0;
  const checksum = internetChecksum(octets.slice(0, headerBytes));
  octets[10] = checksum >> 8;
  octets[11] = checksum & 0xff;
}

/** Repairs the ICMP checksum of a mutated error, so that the checks on the quoted packet are reached. */
function repairIcmp(octets: Octets): void {
  const headerBytes = (octets[0] & 0xf) * 4;
  if (octets[9] !== 1 || octets.length < headerBytes + 8) return;
  octets[headerBytes + 2] = 0;
  octets[headerBytes + 3] = 0;
  const checksum = internetChecksum(octets.slice(headerBytes));
  octets[headerBytes + 2] = checksum >> 8;
  octets[headerBytes + 3] = checksum & 0xff;
}

/** A copy with one to three bytes changed, sometimes with its end cut off. */
function mutated(octets: Octets, random: Random): Octets {
  const changed = octets.slice(0, random.below(4) === 0 ? random.below(octets.length) : octets.length);
  for (const _ of $range(0, random.below(3))) {
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
  }
  if (changed.length >= 20) repairHeader(changed);
  if (changed.length >= 20) repairIcmp(changed);
  return changed;
}

describe("any bytes at all", () => {
  before_each(() => {
    taken = {};
  });

  it("give a value or a named reason when they are random", () => {
    const random = new Random(4303);
    for (const _ of $range(1, 3000)) {
      const octets = random.octets(random.below(80));
      const at = random.below(3);
      const bytes = newTableBuffer(at + octets.length);
      putOctets(octets, bytes, at);
      isTaken("ethernet", ethernet.attach(bytes, at, octets.length));
      tryAsTransport(bytes, at, octets.length, random.below(2) === 0, random);
      tryAsPacket(bytes, at, octets.length, random);
    }
    for (const what of ["ethernet", "esp", "udp", "tcp", "icmp"]) assert.is_true((taken[what] ?? 0) > 100, what);
  });

  it("give a value or a named reason when they were a packet", () => {
    const random = new Random(7296);
    for (const _ of $range(1, 300)) {
      for (const seed of SEEDS) {
        const octets = mutated(seed, random);
        tryAsPacket(tableBufferOf(octets), 0, octets.length, random);
      }
    }
    for (const what of ["ipv4", "esp", "udp", "tcp", "icmp", "icmp error", "isakmp in udp"]) {
      assert.is_true((taken[what] ?? 0) > 100, what);
    }
  });

  it("are refused as a packet wherever its end is cut off", () => {
    const random = new Random(3948);
    for (const seed of SEEDS) {
      for (const lengthBytes of $range(0, seed.length)) {
        const bytes = tableBufferOf(seed.slice(0, lengthBytes));
        assert.equal(lengthBytes === seed.length, ip.attach(bytes, 0, lengthBytes) === undefined);
        if (lengthBytes > 20) tryAsTransport(bytes, 20, lengthBytes - 20, true, random);
      }
    }
  });
});

describe("every fault", () => {
  it("has a line for people that fits a screen beside its name", () => {
    let count = 0;
    for (const [name, explanation] of pairs(WIRE_FAULTS)) {
      count += 1;
      const lengthBytes = string.len(explanation);
      assert.is_true(lengthBytes >= 20 && lengthBytes <= 66, name);
      assert.matches("^%l+4?%-[%l%-]+$", name);
    }
    assert.is_true(count > 20);
  });
});
