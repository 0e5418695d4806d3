// SPDX-License-Identifier: GPL-2.0-only
// Netlink: messages of attributes between the kernel and us, in the CPU's byte order (netlink(7), linux/netlink.h).
//
// Reading is a pure function of bytes, and every length is checked against what is really there: a message that claims
// more than it has ends the reading, and an attribute that is too short for its kind counts as absent.

import type { Bytes } from "../wire/bytes";
import { abi } from "./abi/constants";
import { describeError, errno, lastError } from "./errno";
import {
  byteArray,
  type BytePtr,
  create,
  declareC,
  isLittleEndian,
  lastErrorNumber,
  type Ptr,
  sizeOf,
  typeOf,
} from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** linux/netlink.h: what a message wants. */
export const messageFlag = {
  request: 0x1,
  acknowledge: 0x4,
  /** For requests that read: all there is. */
  dump: 0x300,
  /** For requests that write. */
  replace: 0x100,
  /** Only what is not there yet. */
  exclusive: 0x200,
  create: 0x400,
} as const;

/** linux/netlink.h: a dump was disturbed by changes while it was made. */
const FLAG_DUMP_INTERRUPTED = 0x10;

const TYPE_ERROR = 2;
const TYPE_DONE = 3;
/** Types from here on belong to the protocol. */
const TYPE_FIRST = 16;

const MESSAGE_HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** The two high bits of an attribute's type are flags: nested, network byte order. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** 16 bits in the CPU's byte order. */
export function readNative16(bytes: Bytes, at: number): number {
  return isLittleEndian ? bytes[at] + bytes[at + 1] * 256 : bytes[at] * 256 + bytes[at + 1];
}

/** 32 bits in the CPU's byte order, unsigned. */
export function readNative32(bytes: Bytes, at: number): number {
  const first = readNative16(bytes, at);
  const second = readNative16(bytes, at + 2);
  return isLittleEndian ? first + second * 0x10000 : first * 0x10000 + second;
}

/** The next multiple of 4: netlink aligns everything so. */
function align(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}

/** One message: its payload is `bytes[at … end-1]`. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly at: number;
  readonly end: number;
}

/** The messages of one datagram. Whatever does not fit is left out, with all that follows. */
export function readMessages(bytes: Bytes, lengthBytes: number): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + MESSAGE_HEADER_BYTES <= lengthBytes) {
    const messageBytes = readNative32(bytes, at);
    if (messageBytes < MESSAGE_HEADER_BYTES || messageBytes > lengthBytes - at) return messages;
    messages.push({
      type: readNative16(bytes, at + 4),
      flags: readNative16(bytes, at + 6),
      sequence: readNative32(bytes, at + 8),
      at: at + MESSAGE_HEADER_BYTES,
      end: at + messageBytes,
    });
    at += align(messageBytes);
  }
  return messages;
}

/** The attributes in `bytes[from … end-1]`, by type; of equal types the last. */
export class Attributes {
  private readonly starts = new LuaMap<number, number>();
  private readonly lengths = new LuaMap<number, number>();

  constructor(
    private readonly bytes: Bytes,
    from: number,
    end: number,
  ) {
    let at = from;
    while (at + ATTRIBUTE_HEADER_BYTES <= end) {
      const attributeBytes = readNative16(bytes, at);
      if (attributeBytes < ATTRIBUTE_HEADER_BYTES || attributeBytes > end - at) return;
      const type = readNative16(bytes, at + 2) & ATTRIBUTE_TYPE_MASK;
      this.starts.set(type, at + ATTRIBUTE_HEADER_BYTES);
      this.lengths.set(type, attributeBytes - ATTRIBUTE_HEADER_BYTES);
      at += align(attributeBytes);
    }
  }

  /** Whether it is there, whatever it holds. */
  has(type: number): boolean {
    return this.starts.has(type);
  }

  /** A 32-bit number in the CPU's byte order. */
  number32(type: number): number | undefined {
    const at = this.find(type, 4);
    return at === undefined ? undefined : readNative32(this.bytes, at);
  }

  /** An IPv4 address as a word: network byte order, signed. */
  address(type: number): number | undefined {
    const at = this.find(type, 4);
    if (at === undefined) return undefined;
    const bytes = this.bytes;
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }

  /** Text up to its closing zero. */
  text(type: number): string | undefined {
    const at = this.find(type, 0);
    if (at === undefined) return undefined;
    let text = "";
    for (const offset of $range(0, this.lengths.get(type)! - 1)) {
      const byte = this.bytes[at + offset];
      if (byte === 0) return text;
      text += string.char(byte);
    }
    return text;
  }

  /** A copy of the first `lengthBytes` bytes; undefined when there are not exactly so many. */
  bytesOf(type: number, lengthBytes: number): Bytes | undefined {
    const at = this.find(type, lengthBytes);
    if (at === undefined || this.lengths.get(type) !== lengthBytes) return undefined;
    const copy: Bytes = {};
    for (const offset of $range(0, lengthBytes - 1)) copy[offset] = this.bytes[at + offset];
    return copy;
  }

  /** The attributes inside an attribute; none when it is not there. */
  nested(type: number): Attributes {
    const at = this.starts.get(type);
    if (at === undefined) return new Attributes(this.bytes, 0, 0);
    return new Attributes(this.bytes, at, at + this.lengths.get(type)!);
  }

  private find(type: number, bytesMin: number): number | undefined {
    const at = this.starts.get(type);
    return at !== undefined && this.lengths.get(type)! >= bytesMin ? at : undefined;
  }
}

/** A request under construction, as one growing string. */
export class NetlinkRequest {
  private body = "";

  constructor(
    readonly type: number,
    readonly flags: number,
  ) {}

  number8(value: number): this {
    this.body += string.char(value & 0xff);
    return this;
  }

  /** 16 bits in the CPU's byte order. */
  number16(value: number): this {
    this.body += native16(value);
    return this;
  }

  /** 32 bits in the CPU's byte order; signed or unsigned. */
  number32(value: number): this {
    this.body += native32(value);
    return this;
  }

  /** Bytes as they are: a structure that was put together elsewhere. */
  bytes(text: string): this {
    this.body += text;
    return this;
  }

  attribute32(type: number, value: number): this {
    return this.attribute(type, native32(value));
  }

  /** An IPv4 address: a word, sent in network byte order. */
  attributeAddress(type: number, address: number): this {
    return this.attribute(
      type,
      string.char((address >> 24) & 0xff, (address >> 16) & 0xff, (address >> 8) & 0xff, address & 0xff),
    );
  }

  /** An attribute of bytes as they are. */
  attribute(type: number, value: string): this {
    const lengthBytes = string.len(value);
    const padding = string.rep("\0", align(lengthBytes) - lengthBytes);
    this.body += native16(ATTRIBUTE_HEADER_BYTES + lengthBytes) + native16(type) + value + padding;
    return this;
  }

  /** An attribute of attributes: those of `inner`. */
  nested(type: number, inner: NetlinkRequest): this {
    return this.attribute(type, inner.body);
  }

  /** The whole message; the kernel fills in who sends it. */
  encode(sequence: number): string {
    const header = native32(MESSAGE_HEADER_BYTES + string.len(this.body));
    return header + native16(this.type) + native16(this.flags) + native32(sequence) + native32(0) + this.body;
  }
}

/** 16 bits in the CPU's byte order, as they are sent. */
export function native16(value: number): string {
  const high = (value >> 8) & 0xff;
  const low = value & 0xff;
  return isLittleEndian ? string.char(low, high) : string.char(high, low);
}

/** 32 bits in the CPU's byte order, as they are sent; signed or unsigned. */
export function native32(value: number): string {
  const high = native16((value >> 16) & 0xffff);
  const low = native16(value & 0xffff);
  return isLittleEndian ? low + high : high + low;
}

/** struct sockaddr_nl */
interface NetlinkAddress {
  family: number;
  port: number;
  groups: number;
}

/** @noSelf */
interface NetlinkLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: NetlinkAddress, lengthBytes: number): number;
  sendto(
    fd: number,
    text: string,
    lengthBytes: number,
    flags: number,
    address: NetlinkAddress,
    addressBytes: number,
  ): number;
  recvfrom(
    fd: number,
    buffer: BytePtr,
    lengthBytes: number,
    flags: number,
    address: NetlinkAddress,
    addressBytes: Ptr<number>,
  ): number;
  setsockopt(fd: number, level: number, option: number, value: Ptr<number>, lengthBytes: number): number;
  poll(entries: Ptr<{ fd: number; events: number }>, count: number, timeoutMs: number): number;
  close(fd: number): number;
}

const C = declareC<NetlinkLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  ssize_t sendto(int fd, const void *buffer, size_t length, int flags, const void *address, unsigned address_length);
  ssize_t recvfrom(int fd, void *buffer, size_t length, int flags, void *address, unsigned *address_length);
  int setsockopt(int fd, int level, int option, const void *value, unsigned length);
  int poll(void *entries, unsigned long count, int timeout_ms);
  int close(int fd);
`);

const AF_NETLINK = 16;
/** sys/socket.h */
const SOCK_RAW = 3;
const MSG_TRUNC = 0x20;
const POLLIN = 1;

/** The kernel's dumps come in pieces of up to 32 kB (linux/netlink.h, net/netlink/af_netlink.c). */
const RECEIVE_BYTES = 32768;
/** Room for notifications while a burst of packets is worked on. */
const NOTIFICATION_BUFFER_BYTES = 256 * 1024;
/** The kernel answers within its own call; longer means that it will not. */
const ANSWER_TIMEOUT_MS = 2000;
/** A bound on one dump: far more datagrams than a router's neighbour table fills. */
const ANSWER_DATAGRAMS_MAX = 4096;
/** More datagrams than a socket's buffer holds. */
const DISCARDED_MAX = 4096;

const addressType = typeOf<NetlinkAddress>("struct { uint16_t family, padding; uint32_t port, groups; }");
const ADDRESS_BYTES = sizeOf(addressType);
const unsignedArray = typeOf<Ptr<number>>("unsigned[1]");
const pollEntry = typeOf<Ptr<{ fd: number; events: number }>>("struct { int fd; short events, revents; }[1]");

/** What came of one look at a socket. */
type Received = "message" | "nothing" | "overrun" | "failed";

export class NetlinkSocket {
  /** The datagram received last. */
  readonly buffer: BytePtr = create(byteArray, RECEIVE_BYTES);
  lengthBytes = 0;
  /** The kernel's error number for the last {@link ask}; 0 when it was not the kernel that refused. */
  refusal = 0;
  private readonly from = create(addressType);
  private readonly fromBytes = create(unsignedArray);
  private readonly kernel = create(addressType);
  private sequence = 0;

  private constructor(public fd: number) {
    this.kernel.family = AF_NETLINK;
  }

  /** Opens a socket of a netlink protocol, subscribed to multicast groups (a bit mask; 0 for none). */
  static open(this: void, protocol: number, groups: number): Outcome<NetlinkSocket> {
    const fd = C.socket(AF_NETLINK, SOCK_RAW + abi.SOCK_CLOEXEC + abi.SOCK_NONBLOCK, protocol);
    if (fd < 0) return fail(lastError("netlink socket"));
    const size = create(unsignedArray);
    size[0] = NOTIFICATION_BUFFER_BYTES;
    C.setsockopt(fd, abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, size, 4);
    const address = create(addressType);
    address.family = AF_NETLINK;
    address.groups = groups;
    if (C.bind(fd, address, ADDRESS_BYTES) !== 0) {
      const problem = lastError("netlink socket cannot be bound");
      C.close(fd);
      return fail(problem);
    }
    return succeed(new NetlinkSocket(fd));
  }

  /**
   * Takes one datagram from the kernel into {@link buffer}, without waiting. "overrun" says that datagrams were lost:
   * whoever follows changes must ask for everything again.
   */
  receive(): Received {
    this.fromBytes[0] = ADDRESS_BYTES;
    const count = tonumber(C.recvfrom(this.fd, this.buffer, RECEIVE_BYTES, MSG_TRUNC, this.from, this.fromBytes))!;
    if (count < 0) return receiveFailure(lastErrorNumber());
    if (count > RECEIVE_BYTES) return "overrun";
    this.lengthBytes = count;
    // Other processes can send to this socket too; only port 0 is the kernel.
    if (this.from.port !== 0) this.lengthBytes = 0;
    return "message";
  }

  /**
   * Empties the socket after an overrun. Until it is empty the kernel drops what comes without telling again
   * (NETLINK_S_CONGESTED in net/netlink/af_netlink.c), so whoever asks for everything must ask after that.
   */
  discard(): void {
    for (const _ of $range(1, DISCARDED_MAX)) {
      const received = this.receive();
      if (received === "nothing" || received === "failed") return;
    }
  }

  /**
   * Sends a request and calls `onMessage` for each message of the answer, in {@link buffer}. The kernel's refusal is
   * an error with `what` in front.
   */
  ask(request: NetlinkRequest, what: string, onMessage: (this: void, message: NetlinkMessage) => void): Outcome<true> {
    this.sequence += 1;
    this.refusal = 0;
    const text = request.encode(this.sequence);
    const sent = tonumber(C.sendto(this.fd, text, string.len(text), 0, this.kernel, ADDRESS_BYTES))!;
    if (sent < 0) return fail(lastError(what));
    const isDump = (request.flags & messageFlag.dump) === messageFlag.dump;
    for (const _ of $range(1, ANSWER_DATAGRAMS_MAX)) {
      const received = this.awaitDatagram();
      if (received !== "message") return fail(`${what}: no answer from the kernel (${received})`);
      const end = this.takeAnswer(isDump, onMessage);
      if (end === 0) return succeed(true as const);
      if (end !== undefined) this.refusal = math.max(0, end);
      if (end !== undefined) return fail(`${what}: ${end < 0 ? "changed while being read" : describeError(end)}`);
    }
    return fail(`${what}: the answer has no end`);
  }

  close(): void {
    if (this.fd >= 0) C.close(this.fd);
    this.fd = -1;
  }

  private awaitDatagram(): Received {
    const entry = create(pollEntry);
    entry[0].fd = this.fd;
    entry[0].events = POLLIN;
    return C.poll(entry, 1, ANSWER_TIMEOUT_MS) > 0 ? this.receive() : "nothing";
  }

  /** 0 when the answer is complete, an error number when refused, -1 when disturbed; undefined when more comes. */
  private takeAnswer(isDump: boolean, onMessage: (this: void, message: NetlinkMessage) => void): number | undefined {
    for (const message of readMessages(this.buffer, this.lengthBytes)) {
      if (message.sequence === this.sequence) {
        if ((message.flags & FLAG_DUMP_INTERRUPTED) !== 0) return -1;
        if (message.type === TYPE_DONE) return 0;
        if (message.type === TYPE_ERROR) return refusal(this.buffer, message);
        if (message.type >= TYPE_FIRST) onMessage(message);
        if (!isDump) return 0;
      }
    }
    return undefined;
  }
}

/** The error number in an error message: 0 acknowledges. */
export function refusal(bytes: Bytes, message: NetlinkMessage): number {
  if (message.end - message.at < 4) return errno.EIO;
  const value = readNative32(bytes, message.at);
  return value === 0 ? 0 : 0x100000000 - value;
}

function receiveFailure(cause: number): Received {
  if (cause === errno.ENOBUFS) return "overrun";
  return cause === errno.EAGAIN || cause === errno.EINTR ? "nothing" : "failed";
}
