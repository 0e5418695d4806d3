// SPDX-License-Identifier: GPL-2.0-only
// Echo requests to other hosts and their replies (RFC 792), outside of any tunnel (raw(7), icmp(7)).
//
// The kernel gives the socket echo replies alone, and it has IPsec policies of its own that let its packets pass in
// clear, as the sockets of IKE daemons have: so an echo to a tunnel's peer never goes into that tunnel, whatever the
// tunnel carries.

import { lastError } from "./errno";
import { type EventLoop, READABLE } from "./event-loop";
import { byteArray, type BytePtr, create, declareC } from "./ffi";
import { closeIcmp, openIcmp, sendIcmpBy } from "./icmp-socket";
import { native32 } from "./netlink";
import { fail, type Outcome, succeed } from "./outcome";
import { type Direction, type PortMatch, policyText } from "./xfrm-message";
import { read16, readWord } from "../wire/bytes";
import { ICMP_HEADER_BYTES, IcmpField, IcmpType } from "../wire/icmp";
import { writeEchoRequest } from "../wire/icmp-echo";
import { Ipv4Field } from "../wire/ipv4";

/** An echo reply. The address is a word, the others are those of the request. */
export interface EchoReply {
  readonly from: number;
  readonly identifier: number;
  readonly sequence: number;
}

/** @noSelf */
interface SocketLibrary {
  setsockopt(fd: number, level: number, option: number, value: string, lengthBytes: number): number;
  recv(fd: number, bytes: BytePtr, lengthBytes: number, flags: number): number;
}

const C = declareC<SocketLibrary>(`
  int setsockopt(int fd, int level, int option, const void *value, unsigned length);
  ssize_t recv(int fd, void *bytes, size_t length, int flags);
`);

/** linux/in.h, linux/icmp.h: levels and options, equal everywhere. */
const SOL_IP = 0;
const IP_XFRM_POLICY = 17;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
/** struct icmp_filter: a bit for each type that is kept away. */
const ALL_BUT_ECHO_REPLIES = -1 - (1 << IcmpType.EchoReply);
/** The longest IPv4 header and an ICMP header; the kernel cuts off what is longer. */
const RECEIVE_BYTES = 60 + ICMP_HEADER_BYTES;
/** Taken at once; what is left makes the socket readable again. */
const REPLIES_AT_ONCE_MAX = 16;

export class EchoSocket {
  private readonly message = create(byteArray, ICMP_HEADER_BYTES);
  private readonly received = create(byteArray, RECEIVE_BYTES);

  private constructor(
    private readonly loop: EventLoop,
    private readonly fd: number,
    private readonly onReply: (this: void, reply: EchoReply) => void,
  ) {}

  /** Needs root. */
  static open(this: void, loop: EventLoop, onReply: (this: void, reply: EchoReply) => void): Outcome<EchoSocket> {
    const [fd, problem] = openIcmp();
    if (fd === undefined) return fail(problem);
    const [, cause] = prepare(fd);
    if (cause !== undefined) {
      closeIcmp(fd);
      return fail(cause);
    }
    const socket = new EchoSocket(loop, fd, onReply);
    loop.watch(fd, READABLE, () => {
      socket.receive();
    });
    return succeed(socket);
  }

  /** @param target a word; the other two have 16 bits */
  request(target: number, identifier: number, sequence: number): Outcome<true> {
    const lengthBytes = writeEchoRequest(this.message, 0, identifier, sequence);
    return sendIcmpBy(this.fd, target, this.message, lengthBytes);
  }

  close(): void {
    this.loop.unwatch(this.fd);
    closeIcmp(this.fd);
  }

  private receive(): void {
    for (const _ of $range(1, REPLIES_AT_ONCE_MAX)) {
      const lengthBytes = tonumber(C.recv(this.fd, this.received, RECEIVE_BYTES, 0))!;
      if (lengthBytes < 0) return;
      const reply = readReply(this.received, lengthBytes);
      if (reply !== undefined) this.onReply(reply);
    }
  }
}

function prepare(fd: number): Outcome<true> {
  const [, problem] = setOption(fd, SOL_RAW, ICMP_FILTER, native32(ALL_BUT_ECHO_REPLIES), "ICMP cannot be filtered");
  if (problem !== undefined) return fail(problem);
  for (const direction of ["out", "in"] as const) {
    const [, cause] = setOption(fd, SOL_IP, IP_XFRM_POLICY, bypass(direction), "IPsec cannot be passed by");
    if (cause !== undefined) return fail(cause);
  }
  return succeed(true as const);
}

function setOption(fd: number, level: number, option: number, value: string, what: string): Outcome<true> {
  if (C.setsockopt(fd, level, option, value, string.len(value)) !== 0) return fail(lastError(what));
  return succeed(true as const);
}

/** A policy without SAs for all packets. */
function bypass(direction: Direction): string {
  const everywhere = { network: 0, lengthBits: 0 };
  const anyPort: PortMatch = { value: 0, mask: 0 };
  return policyText({
    selector: {
      source: everywhere,
      destination: everywhere,
      protocol: 0,
      sourcePort: anyPort,
      destinationPort: anyPort,
    },
    direction,
    mark: undefined,
    interfaceId: 0,
    priority: 0,
    isBlocking: false,
    templates: [],
    hardLifetimeSeconds: Infinity,
  });
}

function readReply(packet: BytePtr, lengthBytes: number): EchoReply | undefined {
  const headerBytes = (packet[0] & 0x0f) * 4;
  if (lengthBytes < headerBytes + ICMP_HEADER_BYTES || packet[headerBytes] !== IcmpType.EchoReply) return undefined;
  return {
    from: readWord(packet, Ipv4Field.Source),
    identifier: read16(packet, headerBytes + IcmpField.QueryIdentifier),
    sequence: read16(packet, headerBytes + IcmpField.QuerySequence),
  };
}
