// SPDX-License-Identifier: GPL-2.0-only
// The frames of many tunnels or flows as one pattern, and what of it differs from item to item.
//
// Item i is of client and server number i mod 256, so that every client has a server of its own: the kernel's masquerade
// cannot keep two clients of one server apart. Of ESP an item is an SPI, of UDP a port.

import { ETHERNET_HEADER_BYTES } from "../../../src/wire/ethernet";
import { ESP_HEADER_BYTES } from "../../../src/wire/esp";
import { IPV4_HEADER_BYTES } from "../../../src/wire/ipv4";
import { UDP_HEADER_BYTES } from "../../../src/wire/udp";
import { counting, esp, ethernet, ipv4, type Octets, type Payload, udp } from "../../spec/frame";
import { clientAddress, ROUTER_MAC, ROUTER_WAN, serverAddress } from "../site";
import type { Direction } from "../tunnel-frames";

/** Clients, and servers: as many as a byte of an address tells apart. */
export const PAIRS = 256;

/** The number that a field varies with: of the client and server, of the item, or of all frames so far. */
export type Variable = "pair" | "item" | "count";

/** A field, at a place of the frame, that is its value in the pattern plus a number. */
export interface Variation {
  readonly at: number;
  readonly bytes: 1 | 2 | 4;
  readonly variable: Variable;
  /** In the pattern. */
  readonly base: number;
  /** Whose checksums it is part of. */
  readonly isInHeader: boolean;
  readonly isInTransport: boolean;
}

export interface SourceFrame {
  readonly octets: Octets;
  readonly variations: readonly Variation[];
  readonly headerChecksumAt: number;
  /** Absent where there is none. */
  readonly transportChecksumAt?: number;
  readonly isStamped: boolean;
}

export interface SourceOptions {
  readonly protocol: "esp" | "udp";
  readonly direction: Direction;
  /** Of the IP packet. */
  readonly packetBytes: number;
  /** Packets that come in are for the router's WAN address, and not for the client. */
  readonly isTranslated: boolean;
  /** Each carries the time it was made; ESP only, for no checksum covers it there. */
  readonly isStamped: boolean;
}

const OUT_SPI = 0x10000000;
export const IN_SPI = 0x20000000;
const FIRST_PORT = 2048;
const SERVER_PORT = 4433;

const NETWORK_AT = ETHERNET_HEADER_BYTES;
const SOURCE_END_AT = NETWORK_AT + 15;
const DESTINATION_END_AT = NETWORK_AT + 19;
const TRANSPORT_AT = NETWORK_AT + IPV4_HEADER_BYTES;
const HEADER_CHECKSUM_AT = NETWORK_AT + 10;
const UDP_CHECKSUM_AT = TRANSPORT_AT + 6;
/** The headers of ESP and UDP are as long. */
export const PAYLOAD_AT = TRANSPORT_AT + ESP_HEADER_BYTES;

function pairAt(at: number): Variation {
  return { at, bytes: 1, variable: "pair", base: 0, isInHeader: true, isInTransport: true };
}

function beyondHeader(at: number, bytes: 2 | 4, variable: Variable, base: number, isInTransport: boolean): Variation {
  return { at, bytes, variable, base, isInHeader: false, isInTransport };
}

function carried({ protocol, direction, packetBytes }: SourceOptions): Payload {
  if (protocol === "esp") {
    const payload = counting(packetBytes - IPV4_HEADER_BYTES - ESP_HEADER_BYTES);
    return esp({ spi: direction === "out" ? OUT_SPI : IN_SPI, payload });
  }
  const payload = counting(packetBytes - IPV4_HEADER_BYTES - UDP_HEADER_BYTES);
  if (direction === "out") return udp({ fromPort: FIRST_PORT, toPort: SERVER_PORT, payload });
  return udp({ fromPort: SERVER_PORT, toPort: FIRST_PORT, payload });
}

function transportVariations({ protocol, direction }: SourceOptions): Variation[] {
  const isOut = direction === "out";
  if (protocol === "udp") return [beyondHeader(TRANSPORT_AT + (isOut ? 0 : 2), 2, "item", FIRST_PORT, true)];
  return [
    beyondHeader(TRANSPORT_AT, 4, "item", isOut ? OUT_SPI : IN_SPI, false),
    // Of each item the sequence numbers go up, though not by one.
    beyondHeader(TRANSPORT_AT + 4, 4, "count", 0, false),
  ];
}

export function sourceFrame(options: SourceOptions): SourceFrame {
  const { direction, isTranslated, protocol } = options;
  const carrying = carried(options);
  const [client, server] = [clientAddress(0), serverAddress(0)];
  const packet =
    direction === "out"
      ? ipv4({ from: client, to: server, carrying })
      : ipv4({ from: server, to: isTranslated ? ROUTER_WAN : client, carrying });
  const addresses = [pairAt(SOURCE_END_AT)];
  if (direction === "out" || !isTranslated) addresses.push(pairAt(DESTINATION_END_AT));
  return {
    octets: ethernet({ to: ROUTER_MAC, payload: packet }),
    variations: [...addresses, ...transportVariations(options)],
    isStamped: options.isStamped,
    headerChecksumAt: HEADER_CHECKSUM_AT,
    ...(protocol === "udp" ? { transportChecksumAt: UDP_CHECKSUM_AT } : {}),
  };
}
