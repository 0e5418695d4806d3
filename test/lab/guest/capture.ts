// SPDX-License-Identifier: GPL-2.0-only
// What was on the wire: packet sockets on the server's link and on each client's, compared.
//
// Behind a NAT every packet at the server has the router's address, so the server's link alone cannot tell the clients
// apart. What a NAT may not touch can: a client's IKE initiator cookie and the SPI it sends on, seen on its own link.

import {
  AF_PACKET,
  C,
  ffi,
  type Memory,
  mustSucceed,
  networkOrder16,
  SO_RCVBUFFORCE,
  SOCK_DGRAM_NONBLOCK,
  SOL_SOCKET,
} from "./libc";
import { inNamespace } from "./namespace";
import { type Client, SERVER, type Topology } from "./topology";

const ETH_P_ALL = 0x0003;
const ETH_P_IP = 0x0800;
const PACKET_OUTGOING = 4;
const PROTOCOL_ICMP = 1;
const PROTOCOL_UDP = 17;
const PROTOCOL_ESP = 50;
const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;
const RECEIVE_BUFFER_BYTES = 16 << 20;
const FRAME_BYTES = 2048;

/** One IPv4 packet as far as the lab cares. */
export interface Packet {
  readonly isOutgoing: boolean;
  readonly protocol: number;
  /** Of the whole packet, with its IP header. */
  readonly lengthBytes: number;
  /** Any piece of a fragmented packet, the first too. */
  readonly isFragment: boolean;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** IKE: the initiator cookie in hexadecimal; empty elsewhere. */
  readonly cookie: string;
  /** ESP: the SPI in hexadecimal, as `ip xfrm state` prints it; empty elsewhere. */
  readonly spi: string;
}

const storage = ffi.new(`uint8_t[${FRAME_BYTES}]`) as Memory<number>;
const link = ffi.new("lab_link_address") as { family: number; protocol: number; index: number; packet_type: number };
const linkBytes = ffi.new("unsigned[1]") as Memory<number>;

/** A tap on one interface. */
export interface Tap {
  readonly fd: number;
}

/** Opens a tap on an interface of a namespace; what passes is kept by the kernel until it is read. */
export function openTap(namespace: string, device: string): Tap {
  return inNamespace(namespace, () => {
    const fd = mustSucceed(C.socket(AF_PACKET, SOCK_DGRAM_NONBLOCK, 0), "packet socket");
    const size = ffi.new("int[1]", RECEIVE_BUFFER_BYTES);
    C.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4);
    link.family = AF_PACKET;
    link.protocol = networkOrder16(ETH_P_ALL);
    link.index = C.if_nametoindex(device);
    mustSucceed(C.bind(fd, link, ffi.sizeof(link)), `tap on ${device} of ${namespace}`);
    return { fd };
  });
}

function number16(offset: number): number {
  return storage[offset] * 256 + storage[offset + 1];
}

function hexadecimal(offset: number, count: number): string {
  let text = "";
  for (const index of $range(offset, offset + count - 1)) text += string.format("%02x", storage[index]);
  return text;
}

function parse(isOutgoing: boolean): Packet {
  const headerBytes = (storage[0] & 0x0f) * 4;
  const protocol = storage[9];
  const isFirst = (number16(6) & 0x1fff) === 0;
  const hasPorts = isFirst && protocol === PROTOCOL_UDP;
  const sourcePort = hasPorts ? number16(headerBytes) : 0;
  const destinationPort = hasPorts ? number16(headerBytes + 2) : 0;
  const isIke = hasPorts && (sourcePort === IKE_PORT || destinationPort === IKE_PORT);
  return {
    isOutgoing,
    protocol,
    lengthBytes: number16(2),
    isFragment: (number16(6) & 0x3fff) !== 0,
    sourcePort,
    destinationPort,
    cookie: isIke ? hexadecimal(headerBytes + 8, 8) : "",
    spi: isFirst && protocol === PROTOCOL_ESP ? hexadecimal(headerBytes, 4) : "",
  };
}

/** Takes what has passed since the last time. */
export function drain(tap: Tap): Packet[] {
  const packets: Packet[] = [];
  for (;;) {
    linkBytes[0] = ffi.sizeof(link);
    const received = tonumber(C.recvfrom(tap.fd, storage, FRAME_BYTES, 0, link, linkBytes))!;
    if (received < 0) return packets;
    if (link.protocol === networkOrder16(ETH_P_IP) && received >= 28) {
      packets.push(parse(link.packet_type === PACKET_OUTGOING));
    }
  }
}

export function closeTap(tap: Tap): void {
  C.close(tap.fd);
}

/** Taps on the server's link and on every client's. */
export interface Capture {
  readonly server: Tap;
  readonly clients: readonly Tap[];
}

export function startCapture(topology: Topology): Capture {
  return {
    server: openTap(SERVER, "eth0"),
    clients: topology.clients.map((client) => openTap(client.name, "eth0")),
  };
}

/** What one client's packets looked like when they reached the server. */
export interface ClientOnWire {
  readonly client: Client;
  /** IKE messages of the client that reached the server with UDP 500 at both ends. */
  readonly ikeOn500: number;
  /** IKE messages of the client that reached the server from another port than 500. */
  readonly ikeElsewhere: number;
  /** One such port; 0 when there was none. */
  readonly otherPort: number;
  /** ESP packets of the client that reached the server. */
  readonly esp: number;
  /** Different IKE initiator cookies and different outgoing SPIs. */
  readonly cookies: number;
  readonly epochs: number;
}

export interface WireEvidence {
  readonly clients: readonly ClientOnWire[];
  /** Packets of UDP 4500 at the server: NAT traversal, which native ESP does without. */
  readonly natTraversal: number;
  /** Pieces of fragmented packets: on the clients' links (each way), and at the server's. */
  readonly fragments: Fragments;
}

export interface Fragments {
  readonly ikeFromClients: number;
  readonly ikeAtServer: number;
  readonly espAtServer: number;
  readonly espToClients: number;
  /** ICMP packets that came to each client, in the clients' order. */
  readonly icmpToClients: readonly number[];
}

function count(packets: readonly Packet[], matches: (packet: Packet) => boolean): number {
  let matching = 0;
  for (const packet of packets) if (matches(packet)) matching += 1;
  return matching;
}

function clientOnWire(client: Client, own: readonly Packet[], atServer: readonly Packet[]): ClientOnWire {
  const cookies = new Set<string>();
  const spis = new Set<string>();
  for (const packet of own) {
    if (packet.cookie !== "") cookies.add(packet.cookie);
    if (packet.isOutgoing && packet.spi !== "") spis.add(packet.spi);
  }
  const ike = atServer.filter((packet) => !packet.isOutgoing && cookies.has(packet.cookie));
  const displaced = ike.filter((packet) => packet.sourcePort !== IKE_PORT);
  return {
    client,
    ikeOn500: ike.length - displaced.length,
    ikeElsewhere: displaced.length,
    otherPort: displaced.length > 0 ? displaced[0].sourcePort : 0,
    esp: count(atServer, (packet) => !packet.isOutgoing && spis.has(packet.spi)),
    cookies: cookies.size,
    epochs: spis.size,
  };
}

/** Reads the taps, closes them and puts together what they saw. */
export function endCapture(capture: Capture, topology: Topology): WireEvidence {
  const atServer = drain(capture.server);
  const own = capture.clients.map((tap) => drain(tap));
  closeTap(capture.server);
  for (const tap of capture.clients) closeTap(tap);
  const all = own.flat();
  const pieces = (packets: readonly Packet[], protocol: number, isOutgoing: boolean): number =>
    count(packets, (packet) => packet.isFragment && packet.protocol === protocol && packet.isOutgoing === isOutgoing);
  return {
    clients: topology.clients.map((client, index) => clientOnWire(client, own[index], atServer)),
    natTraversal: count(
      atServer,
      (packet) => packet.sourcePort === NAT_TRAVERSAL_PORT || packet.destinationPort === NAT_TRAVERSAL_PORT,
    ),
    fragments: {
      ikeFromClients: pieces(all, PROTOCOL_UDP, true),
      ikeAtServer: pieces(atServer, PROTOCOL_UDP, false),
      espAtServer: pieces(atServer, PROTOCOL_ESP, false),
      espToClients: pieces(all, PROTOCOL_ESP, false),
      icmpToClients: own.map((packets) =>
        count(packets, (packet) => packet.protocol === PROTOCOL_ICMP && !packet.isOutgoing),
      ),
    },
  };
}
