// SPDX-License-Identifier: GPL-2.0-only
// A host at the end of a cable: sends packets byte by byte as a spec wrote them, and shows those that reach it.
//
// Its own kernel is kept from answering ESP and IKE, so that every ICMP error seen comes from the router.

import { abi } from "../../../src/system/abi/constants";
import { monotonicMs } from "../../../src/system/clock";
import { byteArray, type BytePtr, create, declareC, networkOrder16, type Ptr, typeOf } from "../../../src/system/ffi";
import {
  bindToLink,
  closeSocket,
  ETH_P_ALL,
  openPacketSocket,
  packetOption,
  setPacketOption,
  setSocketBuffer,
} from "../../../src/system/link-address";
import { HARDWARE_ADDRESS_BYTES } from "../../../src/wire/ethernet";
import { bufferOf, type Octets, octetsOf } from "../frame";
import { must } from "../system/network";
import type { Namespace } from "./namespace";

interface InternetAddress {
  family: number;
  port: number;
  readonly address: BytePtr;
}

/** @noSelf */
interface StationLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: InternetAddress, lengthBytes: number): number;
  sendto(fd: number, data: unknown, bytes: number, flags: number, to: InternetAddress, toBytes: number): number;
  recv(fd: number, buffer: BytePtr, lengthBytes: number, flags: number): number;
  poll(entries: Ptr<PollEntry>, count: number, timeoutMs: number): number;
}

interface PollEntry {
  fd: number;
  events: number;
  revents: number;
}

const C = declareC<StationLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  ssize_t sendto(int fd, const void *data, size_t bytes, int flags, const void *to, unsigned to_bytes);
  ssize_t recv(int fd, void *buffer, size_t length, int flags);
  int poll(void *entries, unsigned long count, int timeout_ms);
`);

const AF_INET = 2;
const SOCK_RAW = 3;
const PROTOCOL_ESP = 50;
/** netinet/in.h IPPROTO_RAW: the sender makes the whole packet. */
const PROTOCOL_RAW = 255;
const IKE_PORT = 500;
const ADDRESS_BYTES = 16;
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const FRAME_BYTES_MAX = 65535 + ETHERNET_BYTES;
const TAP_BUFFER_BYTES = 8 << 20;
const MSG_DONTWAIT = 0x40;
const POLL_READABLE = 1;

/** Long for a packet on this machine, also when it is busy. */
const ARRIVAL_MS = 3000;
/** What has not come by then does not come: a hundred times what a packet needs. */
const ABSENCE_MS = 150;

const internetAddress = typeOf<InternetAddress>(
  "struct { uint16_t family, port; uint8_t address[4]; uint8_t zero[8]; }",
);
const pollEntry = typeOf<Ptr<PollEntry>>("struct { int fd; short events, revents; }[1]");
const buffer = create(byteArray, FRAME_BYTES_MAX);

export type Matcher = (this: void, packet: Octets) => boolean;

export class Station {
  private readonly tap: number;
  private readonly sender: number;
  private readonly silencers: number[] = [];
  private readonly entry = create(pollEntry);

  constructor(
    readonly namespace: Namespace,
    readonly address: string,
  ) {
    [this.tap, this.sender] = namespace.inside(() => [openTap(), openRaw(PROTOCOL_RAW)]);
    this.silencers = namespace.inside(() => [openRaw(PROTOCOL_ESP), openIkePort()]);
  }

  /** Its kernel takes in no TCP and UDP any more: it knows nothing of a spec's sessions and would end them. */
  silence(): void {
    const rule = "type filter hook input priority 0; ip protocol { tcp, udp } drop;";
    this.namespace.shell(`nft 'table ip silence { chain in { ${rule} }; }'`);
  }

  /** Sends an IPv4 packet as it is, by this host's routes. */
  send(packet: Octets): void {
    const to = create(internetAddress);
    to.family = AF_INET;
    for (const at of $range(0, 3)) to.address[at] = packet[16 + at];
    const sent = tonumber(C.sendto(this.sender, bufferOf(packet), packet.length, 0, to, ADDRESS_BYTES));
    if (sent !== packet.length) error(`packet of ${packet.length} bytes not sent`, 0);
  }

  /** The next packet that arrives and matches, or undefined; those that do not match are dropped. */
  next(matches: Matcher = () => true, timeoutMs = ARRIVAL_MS): Octets | undefined {
    const deadlineMs = monotonicMs() + timeoutMs;
    do {
      const packet = this.receive();
      if (packet !== undefined && matches(packet)) return packet;
      if (packet === undefined) this.wait(math.max(0, math.ceil(deadlineMs - monotonicMs())));
    } while (monotonicMs() < deadlineMs);
    return undefined;
  }

  /** The next packet that matches; the spec fails when none comes. */
  expect(matches: Matcher = () => true, timeoutMs = ARRIVAL_MS): Octets {
    const packet = this.next(matches, timeoutMs);
    if (packet === undefined) error(`${this.address}: the packet that was waited for did not come`, 0);
    return packet;
  }

  /** Whether no packet that matches comes for a while. */
  isSpared(matches: Matcher): boolean {
    return this.next(matches, ABSENCE_MS) === undefined;
  }

  /** The hardware address that the packet was sent to which came last, in whichever network. */
  lastDestination(): Octets {
    return octetsOf(buffer, 0, HARDWARE_ADDRESS_BYTES);
  }

  /** What came so far and matches. */
  seen(matches: Matcher = () => true): Octets[] {
    const packets: Octets[] = [];
    for (;;) {
      const packet = this.receive();
      if (packet === undefined) return packets;
      if (matches(packet)) packets.push(packet);
    }
  }

  /** Forgets what came so far. */
  clear(): void {
    while (tonumber(C.recv(this.tap, buffer, 1, MSG_DONTWAIT))! >= 0);
  }

  close(): void {
    for (const fd of [this.tap, this.sender, ...this.silencers]) closeSocket(fd);
  }

  private wait(timeoutMs: number): void {
    this.entry[0].fd = this.tap;
    this.entry[0].events = POLL_READABLE;
    C.poll(this.entry, 1, timeoutMs);
  }

  /** One IPv4 packet without its link header; undefined when there is none. */
  private receive(): Octets | undefined {
    for (;;) {
      const count = tonumber(C.recv(this.tap, buffer, FRAME_BYTES_MAX, MSG_DONTWAIT))!;
      if (count < 0) return undefined;
      const isIpv4 = count >= ETHERNET_BYTES + IPV4_BYTES && buffer[12] === 8 && buffer[13] === 0;
      const totalBytes = buffer[ETHERNET_BYTES + 2] * 256 + buffer[ETHERNET_BYTES + 3];
      if (isIpv4) return octetsOf(buffer, ETHERNET_BYTES, math.min(totalBytes, count - ETHERNET_BYTES));
    }
  }
}

/** A tap on all interfaces of the namespace, also of those to come. */
function openTap(): number {
  const fd = must(openPacketSocket());
  setSocketBuffer(fd, "receive", TAP_BUFFER_BYTES);
  must(setPacketOption(fd, packetOption.ignoreOutgoing, 1, "frames sent are seen"));
  must(bindToLink(fd, 0, ETH_P_ALL));
  return fd;
}

function openRaw(protocol: number): number {
  const fd = C.socket(AF_INET, SOCK_RAW + abi.SOCK_CLOEXEC + abi.SOCK_NONBLOCK, protocol);
  if (fd < 0) error("no raw socket: run the specs as root", 0);
  return fd;
}

function openIkePort(): number {
  const fd = C.socket(AF_INET, abi.SOCK_DGRAM + abi.SOCK_CLOEXEC + abi.SOCK_NONBLOCK, 0);
  const any = create(internetAddress);
  any.family = AF_INET;
  any.port = networkOrder16(IKE_PORT);
  if (C.bind(fd, any, ADDRESS_BYTES) !== 0) error("port 500 is taken", 0);
  return fd;
}
