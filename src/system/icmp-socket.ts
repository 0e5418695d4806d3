// SPDX-License-Identifier: GPL-2.0-only
// Sends one ICMP message from a given address of this host (raw(7)).
//
// The socket lives for one message: it would else be given every ICMP packet that comes in, and an address that went
// and came back would need it opened anew. The kernel writes the IP header, and chooses the way, IPsec included.

import { abi } from "./abi/constants";
import { lastError } from "./errno";
import { byteArray, type BytePtr, create, declareC, isLittleEndian } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";
import { formatAddress } from "../wire/address";
import { writeWord } from "../wire/bytes";

/** @noSelf */
interface SocketLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: BytePtr, lengthBytes: number): number;
  sendto(fd: number, bytes: BytePtr, lengthBytes: number, flags: number, to: BytePtr, toBytes: number): number;
  close(fd: number): number;
}

const C = declareC<SocketLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const void *to, unsigned to_length);
  int close(int fd);
`);

/** linux/socket.h, linux/in.h: equal everywhere. */
const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;

/** struct sockaddr_in: family in the CPU's byte order, port, address, padding. */
const SOCKET_ADDRESS_BYTES = 16;
const ADDRESS_AT = 4;

function socketAddress(address: number): BytePtr {
  const bytes = create(byteArray, SOCKET_ADDRESS_BYTES);
  bytes[isLittleEndian ? 0 : 1] = AF_INET;
  writeWord(bytes, ADDRESS_AT, address);
  return bytes;
}

/** A socket that is given all ICMP that comes in. */
export function openIcmp(): Outcome<number> {
  const fd = C.socket(AF_INET, SOCK_RAW + abi.SOCK_NONBLOCK + abi.SOCK_CLOEXEC, IPPROTO_ICMP);
  return fd < 0 ? fail(lastError("no socket for ICMP")) : succeed(fd);
}

export function closeIcmp(fd: number): void {
  C.close(fd);
}

/** @param target a word */
export function sendIcmpBy(fd: number, target: number, message: BytePtr, lengthBytes: number): Outcome<true> {
  const sentBytes = tonumber(C.sendto(fd, message, lengthBytes, 0, socketAddress(target), SOCKET_ADDRESS_BYTES));
  if (sentBytes !== lengthBytes) return fail(lastError(`ICMP cannot be sent to ${formatAddress(target)}`));
  return succeed(true as const);
}

/** @param source and `target` are words */
export function sendIcmp(source: number, target: number, message: BytePtr, lengthBytes: number): Outcome<true> {
  const [fd, noSocket] = openIcmp();
  if (fd === undefined) return fail(noSocket);
  let problem: string | undefined;
  if (C.bind(fd, socketAddress(source), SOCKET_ADDRESS_BYTES) !== 0) {
    problem = lastError(`ICMP cannot be sent from ${formatAddress(source)}`);
  } else [, problem] = sendIcmpBy(fd, target, message, lengthBytes);
  closeIcmp(fd);
  if (problem !== undefined) return fail(problem);
  return succeed(true as const);
}
