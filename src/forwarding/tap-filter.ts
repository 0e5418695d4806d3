// SPDX-License-Identifier: GPL-2.0-only
// Which frames enter our rings: a classic BPF program for each side, so that all other traffic costs nothing.
//
// The same description gives the kernel's side (kernel-rules.ts): what enters here alone is dropped there, so that the
// kernel neither answers, tracks nor forwards it. Two kinds enter here and stay with the kernel as well, because it is
// not clear from the frame whose they are: later fragments of UDP, whose first fragment one of us two does not have,
// and ICMP errors from the WAN, which a kernel without a socket for them ignores.

import { IcmpType } from "../wire/icmp";
import { Protocol } from "../wire/ipv4";
import { ISAKMP_PORT } from "../wire/isakmp";
import { unsigned } from "../wire/word";
import {
  accept,
  ancillary,
  assemble,
  type FilterInstruction,
  type FilterStep,
  jumpIfAnyBit,
  jumpIfEqual,
  jumpIfAtLeast,
  label,
  loadByte,
  loadByteIndexed,
  loadHalf,
  loadHalfIndexed,
  loadHeaderLength,
  loadWord,
  reject,
} from "../system/socket-filter";
import type { Territory } from "./territory";

const ETHERTYPE_IPV4 = 0x0800;
const PACKET_TO_US = 0;
const FRAGMENT_OFFSET_MASK = 0x1fff;
/** 224.0.0.0: multicast, reserved and broadcast addresses are above. */
const FIRST_GROUP_ADDRESS = 0xe0000000;

/** Offsets in the IPv4 header, and of the packet that an ICMP error quotes, behind the outer header. */
const FRAGMENT_AT = 6;
const PROTOCOL_AT = 9;
const SOURCE_AT = 12;
const DESTINATION_AT = 16;
const QUOTED_PROTOCOL_AT = 8 + PROTOCOL_AT;
const QUOTED_PORTS_AT = 8 + 20;

/** The program for the LAN: packets of clients to somebody beyond us. */
export function lanFilter(territory: Territory, linkHeaderBytes: number): FilterInstruction[] {
  const ownOnes =
    territory.scope === "all"
      ? territory.localAddresses.filter((one) => one !== territory.wanAddress)
      : territory.localAddresses;
  const notForUs = [...ownOnes, ...territory.ownPeers];
  return assemble([
    ...ipv4ToUs(),
    loadWord(linkHeaderBytes + DESTINATION_AT),
    jumpIfAtLeast(FIRST_GROUP_ADDRESS, "reject"),
    ...notForUs.map((address) => jumpIfEqual(unsigned(address), "reject")),
    ...protocols(territory, linkHeaderBytes, { ikePortAt: 2, quotedIkePortAt: QUOTED_PORTS_AT }),
  ]);
}

/** The program for the WAN: packets to our public address. */
export function wanFilter(territory: Territory, linkHeaderBytes: number): FilterInstruction[] {
  if (territory.wanAddress === undefined) return assemble([reject()]);
  return assemble([
    ...ipv4ToUs(),
    loadWord(linkHeaderBytes + DESTINATION_AT),
    jumpIfEqual(unsigned(territory.wanAddress), undefined, "reject"),
    loadWord(linkHeaderBytes + SOURCE_AT),
    ...territory.ownPeers.map((address) => jumpIfEqual(unsigned(address), "reject")),
    ...protocols(territory, linkHeaderBytes, { ikePortAt: 0, quotedIkePortAt: QUOTED_PORTS_AT + 2 }),
  ]);
}

/** Frames of VLANs above the interface are kept out by the ring itself (packet-ring.ts). */
function ipv4ToUs(): FilterStep[] {
  return [
    loadHalf(ancillary.protocol),
    jumpIfEqual(ETHERTYPE_IPV4, undefined, "reject"),
    loadByte(ancillary.packetType),
    jumpIfEqual(PACKET_TO_US, undefined, "reject"),
  ];
}

interface IkeSide {
  /** Where the UDP port stands that is 500 at the server. */
  ikePortAt: number;
  /** Where it stands in a packet that an ICMP error quotes, from the end of the outer header. */
  quotedIkePortAt: number;
}

function protocols(territory: Territory, linkHeaderBytes: number, side: IkeSide): FilterStep[] {
  const all = territory.scope === "all";
  return [
    loadByte(linkHeaderBytes + PROTOCOL_AT),
    jumpIfEqual(Protocol.Esp, "accept"),
    jumpIfEqual(Protocol.Udp, all ? "accept" : "udp"),
    jumpIfEqual(Protocol.Icmp, all ? "accept" : "icmp"),
    jumpIfEqual(Protocol.Tcp, all ? "accept" : "reject", "reject"),
    label("udp"),
    loadHalf(linkHeaderBytes + FRAGMENT_AT),
    jumpIfAnyBit(FRAGMENT_OFFSET_MASK, "accept"),
    loadHeaderLength(linkHeaderBytes),
    loadHalfIndexed(linkHeaderBytes + side.ikePortAt),
    jumpIfEqual(ISAKMP_PORT, "accept", "reject"),
    label("icmp"),
    loadHeaderLength(linkHeaderBytes),
    loadByteIndexed(linkHeaderBytes),
    jumpIfEqual(IcmpType.DestinationUnreachable, "error"),
    jumpIfEqual(IcmpType.TimeExceeded, "error"),
    jumpIfEqual(IcmpType.ParameterProblem, "error", "reject"),
    label("error"),
    loadByteIndexed(linkHeaderBytes + QUOTED_PROTOCOL_AT),
    jumpIfEqual(Protocol.Esp, "accept"),
    jumpIfEqual(Protocol.Udp, undefined, "reject"),
    loadHalfIndexed(linkHeaderBytes + side.quotedIkePortAt),
    jumpIfEqual(ISAKMP_PORT, "accept", "reject"),
    label("accept"),
    accept(),
    label("reject"),
    reject(),
  ];
}
