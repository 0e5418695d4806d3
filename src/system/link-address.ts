// SPDX-License-Identifier: GPL-2.0-only
// Packet sockets and the addresses they are bound to and send to: struct sockaddr_ll, packet(7).

import { abi } from "./abi/constants";
import { lastError } from "./errno";
import { create, declareC, networkOrder16, type Ptr, sizeOf, typeOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** linux/if_ether.h, for {@link linkAddress}. */
export const ETH_P_IP = 0x0800;
/** Every protocol: a tap that sees frames before ingress hooks drop them. A tap for one protocol is not asked then. */
export const ETH_P_ALL = 0x0003;

/** linux/if_packet.h: the level of packet sockets' options, and the options used. */
const SOL_PACKET = 263;
export const packetOption = {
  receiveRing: 5,
  statistics: 6,
  copyThreshold: 7,
  version: 10,
  offloadHeader: 15,
  bypassQueueing: 20,
  ignoreOutgoing: 23,
} as const;

const AF_PACKET = 17;

/** struct sockaddr_ll */
export interface LinkAddress {
  family: number;
  protocol: number;
  interfaceIndex: number;
}

/** @noSelf */
interface PacketSocketLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: LinkAddress, lengthBytes: number): number;
  setsockopt(fd: number, level: number, option: number, value: unknown, lengthBytes: number): number;
  close(fd: number): number;
}

const C = declareC<PacketSocketLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  int setsockopt(int fd, int level, int option, const void *value, unsigned length);
  int close(int fd);
`);

const addressType = typeOf<LinkAddress>(`struct {
  uint16_t family; uint16_t protocol; int interfaceIndex;
  uint16_t hardwareType; uint8_t packetType; uint8_t addressLength; uint8_t address[8];
}`);
export const LINK_ADDRESS_BYTES = sizeOf(addressType);

const intArray = typeOf<Ptr<number>>("int[1]");
const INT_BYTES = 4;

/** sys/socket.h */
const SOCK_RAW = 3;

/** An address for frames of a protocol on an interface; protocol 0 receives nothing. */
export function linkAddress(interfaceIndex: number, protocol: number): LinkAddress {
  const address = create(addressType);
  address.family = AF_PACKET;
  address.protocol = networkOrder16(protocol);
  address.interfaceIndex = interfaceIndex;
  return address;
}

/**
 * A packet socket that receives nothing until it is bound to a protocol. SOCK_RAW also on links without a header:
 * there the frame is the packet, and only SOCK_RAW has offload headers.
 */
export function openPacketSocket(): Outcome<number> {
  const fd = C.socket(AF_PACKET, SOCK_RAW + abi.SOCK_CLOEXEC + abi.SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(lastError("packet socket (needs root)"));
  return succeed(fd);
}

/** Binds to an interface: sends go there, and frames of the protocol (0 for none) come from there. */
export function bindToLink(fd: number, interfaceIndex: number, protocol: number): Outcome<true> {
  if (C.bind(fd, linkAddress(interfaceIndex, protocol), LINK_ADDRESS_BYTES) !== 0) {
    return fail(lastError(`packet socket: cannot use interface ${interfaceIndex}`));
  }
  return succeed(true as const);
}

/** Sets a packet socket's option that is a number; `what` names it in the error. */
export function setPacketOption(fd: number, option: number, value: number, what: string): Outcome<true> {
  const number = create(intArray);
  number[0] = value;
  return setPacketStructure(fd, option, number, INT_BYTES, what);
}

/** Sets a packet socket's option that is a structure. */
export function setPacketStructure(
  fd: number,
  option: number,
  value: unknown,
  lengthBytes: number,
  what: string,
): Outcome<true> {
  if (C.setsockopt(fd, SOL_PACKET, option, value, lengthBytes) !== 0) return fail(lastError(`packet socket: ${what}`));
  return succeed(true as const);
}

/** Asks for a socket buffer of so many bytes, past the system's limit as root may; smaller if the kernel says so. */
export function setSocketBuffer(fd: number, option: "send" | "receive", lengthBytes: number): void {
  const number = create(intArray);
  number[0] = lengthBytes;
  C.setsockopt(fd, abi.SOL_SOCKET, option === "send" ? abi.SO_SNDBUFFORCE : abi.SO_RCVBUFFORCE, number, INT_BYTES);
}

export function closeSocket(fd: number): void {
  C.close(fd);
}
