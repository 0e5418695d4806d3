// SPDX-License-Identifier: GPL-2.0-only
// Many bytes over one TCP connection of the kernel's own between two hosts, with its large frames and left-out
// checksums; each byte is compared on arrival.

import { abi } from "../../../src/system/abi/constants";
import { monotonicMs } from "../../../src/system/clock";
import { byteArray, type BytePtr, create, declareC, networkOrder16, type Ptr, typeOf } from "../../../src/system/ffi";
import { closeSocket } from "../../../src/system/link-address";
import { modulo } from "../../../src/wire/word";
import { addressOctets } from "../frame";
import type { Namespace } from "./namespace";

interface InternetAddress {
  family: number;
  port: number;
  readonly address: BytePtr;
}

interface PollEntry {
  fd: number;
  events: number;
  revents: number;
}

/** @noSelf */
interface TransferLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: InternetAddress, lengthBytes: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: undefined, lengthBytes: undefined, flags: number): number;
  connect(fd: number, address: InternetAddress, lengthBytes: number): number;
  send(fd: number, data: BytePtr, lengthBytes: number, flags: number): number;
  recv(fd: number, buffer: BytePtr, lengthBytes: number, flags: number): number;
  memcmp(one: BytePtr, other: BytePtr, lengthBytes: number): number;
  poll(entries: Ptr<PollEntry>, count: number, timeoutMs: number): number;
}

const C = declareC<TransferLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  int listen(int fd, int backlog);
  int accept4(int fd, void *address, void *length, int flags);
  int connect(int fd, const void *address, unsigned length);
  ssize_t send(int fd, const void *data, size_t length, int flags);
  ssize_t recv(int fd, void *buffer, size_t length, int flags);
  int memcmp(const void *one, const void *other, size_t length);
  int poll(void *entries, unsigned long count, int timeout_ms);
`);

const AF_INET = 2;
const ADDRESS_BYTES = 16;
const MSG_NOSIGNAL = 0x4000;
const READABLE = 1;
const WRITABLE = 4;
const CHUNK_BYTES = 65536;
const PATIENCE_MS = 15000;

const internetAddress = typeOf<InternetAddress>(
  "struct { uint16_t family, port; uint8_t address[4]; uint8_t zero[8]; }",
);
const entries = create(typeOf<Ptr<PollEntry>>("struct { int fd; short events, revents; }[2]"));

/** Repeats after a prime number of bytes, so that no segment looks like another. */
const PERIOD_BYTES = 65521;
const pattern = create(byteArray, PERIOD_BYTES + CHUNK_BYTES);
for (const at of $range(0, PERIOD_BYTES + CHUNK_BYTES - 1)) {
  const place = modulo(at, PERIOD_BYTES);
  pattern[at] = ((place * 197) ^ (place >> 8)) & 0xff;
}
const received = create(byteArray, CHUNK_BYTES);

function addressOf(text: string, port: number): InternetAddress {
  const address = create(internetAddress);
  address.family = AF_INET;
  address.port = networkOrder16(port);
  for (const [index, octet] of addressOctets(text).entries()) address.address[index] = octet;
  return address;
}

function openSocket(): number {
  return C.socket(AF_INET, abi.SOCK_STREAM + abi.SOCK_NONBLOCK + abi.SOCK_CLOEXEC, 0);
}

/** A connection of `client` to `server`, made when both ends say so: the client's descriptor and the server's. */
function connect(client: Namespace, server: Namespace, address: string, port: number): [number, number] {
  const listening = server.inside(openSocket);
  if (C.bind(listening, addressOf(address, port), ADDRESS_BYTES) !== 0) error("bulk transfer: cannot bind", 0);
  C.listen(listening, 1);
  const near = client.inside(openSocket);
  client.inside(() => C.connect(near, addressOf(address, port), ADDRESS_BYTES));
  entries[0].fd = listening;
  entries[0].events = READABLE;
  C.poll(entries, 1, PATIENCE_MS);
  const far = C.accept4(listening, undefined, undefined, abi.SOCK_NONBLOCK);
  closeSocket(listening);
  if (far < 0) error("bulk transfer: no connection", 0);
  return [near, far];
}

/**
 * Moves `totalBytes` from a connection's one end to its other.
 * @returns what went wrong; undefined when every byte arrived as it was sent
 */
function pump(from: number, to: number, totalBytes: number): string | undefined {
  const deadlineMs = monotonicMs() + PATIENCE_MS;
  let sent = 0;
  let arrived = 0;
  while (arrived < totalBytes) {
    entries[0].fd = sent < totalBytes ? from : -1;
    entries[0].events = WRITABLE;
    entries[1].fd = to;
    entries[1].events = READABLE;
    C.poll(entries, 2, 1000);
    if (monotonicMs() > deadlineMs) return `${arrived} of ${totalBytes} bytes arrived in time`;
    const offer = math.min(CHUNK_BYTES, totalBytes - sent);
    if (offer > 0)
      sent += math.max(0, tonumber(C.send(from, pattern.plus(modulo(sent, PERIOD_BYTES)), offer, MSG_NOSIGNAL))!);
    const count = math.max(0, tonumber(C.recv(to, received, CHUNK_BYTES, 0))!);
    if (C.memcmp(received, pattern.plus(modulo(arrived, PERIOD_BYTES)), count) !== 0)
      return `other bytes after ${arrived}`;
    arrived += count;
  }
  return undefined;
}

export interface Bulk {
  readonly client: Namespace;
  readonly server: Namespace;
  /** The server's. */
  readonly address: string;
  readonly port: number;
  readonly totalBytes: number;
  readonly direction: "up" | "down";
}

/** What went wrong with a transfer; undefined when nothing did. */
export function transfer({ client, server, address, port, totalBytes, direction }: Bulk): string | undefined {
  const [near, far] = connect(client, server, address, port);
  const problem = direction === "up" ? pump(near, far, totalBytes) : pump(far, near, totalBytes);
  closeSocket(near);
  closeSocket(far);
  return problem;
}
