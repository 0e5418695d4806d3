// SPDX-License-Identifier: GPL-2.0-only
// What travels in the simulator: what a NAT can read of a packet, and what only the two ends of its tunnel can.

import type { IkeVersion } from "./renewal";

/** What an ESP packet carries. A request is answered; pings and their answers are requests too, of the watchdog. */
export type Load = "request" | "reply" | "push" | "forged";

/** Nobody's tunnel: what an adversary sends. */
export const NOBODY = -1;

/**
 * Addresses, SPI and sequence number are words. Packets are made by the million, so they are plain objects: those of a
 * class grow field by field.
 */
export interface EspPacket {
  readonly kind: "esp";
  readonly source: number;
  readonly destination: number;
  readonly spi: number;
  readonly sequence: number;
  readonly lengthBytes: number;
  /** Whose it is: what the receiver finds out by its keys. */
  readonly tunnel: number;
  readonly load: Load;
  /** When the request was first sent that this packet is, or answers. */
  readonly askedMs: number;
}

/** The two cookies (IKEv2: SPIs) of an IKE SA, as pairs of words; the responder's are 0 while it is not known. */
export interface Cookies {
  readonly initiatorHigh: number;
  readonly initiatorLow: number;
  readonly responderHigh: number;
  readonly responderLow: number;
}

/**
 * What the ends do with one another: a round trip towards an IKE SA, a new epoch, a new IKE SA in the place of the old,
 * the deletion of an epoch, a question whether the peer lives.
 */
export type ExchangeKind = "session" | "epoch" | "rekey-ike" | "delete" | "probe" | "forged";

/** What is encrypted in an IKE message. */
export interface Message {
  readonly tunnel: number;
  readonly exchange: ExchangeKind;
  /** Of the exchange, within its IKE SA. */
  readonly messageId: number;
  /** Which message of the exchange this is, from 1. */
  readonly step: number;
  /** Whether the client began the exchange. */
  readonly isClients: boolean;
  /** Of a "session": which round trip, from 1. */
  readonly round: number;
  /** The SPIs that client and server chose for what they will receive; 0: not yet. The epoch that goes, of a "delete". */
  readonly inSpi: number;
  readonly outSpi: number;
  /** Of a "rekey-ike". */
  readonly newCookies: Cookies | undefined;
}

export interface IkePacket {
  readonly kind: "ike";
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly version: IkeVersion;
  readonly exchangeType: number;
  readonly cookies: Cookies;
  readonly message: Message;
}

export type Packet = EspPacket | IkePacket;

export function areEqualCookies(one: Cookies, other: Cookies): boolean {
  return (
    one.initiatorHigh === other.initiatorHigh &&
    one.initiatorLow === other.initiatorLow &&
    one.responderHigh === other.responderHigh &&
    one.responderLow === other.responderLow
  );
}

/** The same packet, as it goes on from a NAT. */
export function readdressed(packet: Packet, source: number, destination: number): Packet {
  return packet.kind === "esp"
    ? readdressedEsp(packet, source, destination)
    : readdressedIke(packet, source, packet.sourcePort, destination, packet.destinationPort);
}

export function readdressedEsp(packet: EspPacket, source: number, destination: number): EspPacket {
  const { spi, sequence, lengthBytes, tunnel, load, askedMs } = packet;
  return { kind: "esp", source, destination, spi, sequence, lengthBytes, tunnel, load, askedMs };
}

export function readdressedIke(
  packet: IkePacket,
  source: number,
  sourcePort: number,
  destination: number,
  destinationPort: number,
): IkePacket {
  const { version, exchangeType, cookies, message } = packet;
  return {
    kind: "ike",
    source,
    destination,
    sourcePort,
    destinationPort,
    version,
    exchangeType,
    cookies,
    message,
  };
}
