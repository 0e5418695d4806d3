// SPDX-License-Identifier: GPL-2.0-only
// What a spec waits for on the wire, and what it reads off a packet that came.

import { toWord } from "../../../src/wire/word";
import { addressOctets, type Octets } from "../frame";
import type { Matcher } from "./station";

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, esp: 50 } as const;

function dotted(packet: Octets, at: number): string {
  return packet.slice(at, at + 4).join(".");
}

export function sourceOf(packet: Octets): string {
  return dotted(packet, 12);
}

export function destinationOf(packet: Octets): string {
  return dotted(packet, 16);
}

export function number16(packet: Octets, at: number): number {
  return packet[at] * 256 + packet[at + 1];
}

/** All that IP carries; headers have no options here. */
export function payloadOf(packet: Octets): Octets {
  return packet.slice(20);
}

export function ofProtocol(protocol: number): Matcher {
  return (packet) => packet[9] === protocol;
}

export const isEsp = ofProtocol(PROTOCOL.esp);

/** ESP, in one piece or its first fragment, on this SPI. */
export function espOn(spi: number): Matcher {
  return (packet) => isEsp(packet) && toWord(number16(packet, 20) * 0x10000 + number16(packet, 22)) === toWord(spi);
}

/** UDP to this port. */
export function udpTo(port: number): Matcher {
  return (packet) => packet[9] === PROTOCOL.udp && number16(packet, 22) === port;
}

/** An ICMP message of this type and code. */
export function icmpOf(type: number, code?: number): Matcher {
  return (packet) => packet[9] === PROTOCOL.icmp && packet[20] === type && (code === undefined || packet[21] === code);
}

export const isIcmpError: Matcher = (packet) => packet[9] === PROTOCOL.icmp && [3, 11, 12].includes(packet[20]);

/** The packet that an ICMP error quotes. */
export function quotedBy(packet: Octets): Octets {
  return packet.slice(28);
}

/** Any piece of a fragmented packet. */
export const isFragment: Matcher = (packet) => (number16(packet, 6) & 0x3fff) !== 0;

export function comesFrom(address: string): Matcher {
  const octets = addressOctets(address);
  return (packet) => octets.every((octet, index) => packet[12 + index] === octet);
}
