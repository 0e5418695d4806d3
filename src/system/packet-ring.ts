// SPDX-License-Identifier: GPL-2.0-only
// One interface's frames in and out: a receive ring, a queue for plain frames and a socket for those with offload.
//
//     if (lan.gather() > 0) {
//       while (lan.receive()) {
//         if (lan.isTruncated && !lan.receiveLarge()) continue;
//         wan.forward(lan, lan.networkAt - wan.linkHeaderBytes, …);
//       }
//       wan.flush();
//       lan.release();
//     }
//
// Until flush() the kernel has not read what was sent, so release() comes after it.

import { abi } from "./abi/constants";
import { describeError } from "./errno";
import { type BytePtr, create, declareC, pointerAt, type Ptr, typeOf } from "./ffi";
import {
  bindToLink,
  closeSocket,
  ETH_P_ALL,
  openPacketSocket,
  packetOption,
  setPacketOption,
  setSocketBuffer,
} from "./link-address";
import { OffloadSocket } from "./offload-socket";
import { fail, type Outcome, succeed } from "./outcome";
import { mapRing, ReceiveRing, unmapRing } from "./receive-ring";
import { addressFor, SendQueue } from "./send-queue";
import { ancillary, and, assemble, attachFilter, type FilterInstruction, jumpIfEqual, label } from "./socket-filter";
import { loadWord, reject } from "./socket-filter";

/** @noSelf */
interface SocketErrorLibrary {
  getsockopt(fd: number, level: number, option: number, value: Ptr<number>, lengthBytes: Ptr<number>): number;
}

const C = declareC<SocketErrorLibrary>("int getsockopt(int fd, int level, int option, void *value, unsigned *length);");

export interface PacketRingOptions {
  readonly interfaceIndex: number;
  /** 14 on Ethernet, 0 on links without a header (PPP, tun). */
  readonly linkHeaderBytes: number;
  /** Which received frames enter. Offsets count from the link header, or from `networkOffset`. */
  readonly filter: readonly FilterInstruction[];
  /** Frames the receive ring holds: a power of two, at least 8. Each takes 2 kB. */
  readonly receiveSlots: number;
  /** Most frames sent with one system call. Each takes 2 kB. */
  readonly sendSlots: number;
  /**
   * Sends plain frames straight to the driver, past queueing disciplines (traffic shaping), egress filters and
   * tcpdump. Worth little where the interface has no queueing discipline.
   */
  readonly bypassQueueing: boolean;
}

export interface RingStatistics {
  readonly received: number;
  /** Lost because the receive ring was full. */
  readonly receiveDrops: number;
  readonly sent: number;
  /** Lost because the driver or the socket's buffer had no room. */
  readonly sendDrops: number;
  /** Refused by the kernel: longer than the MTU, interface down or gone. */
  readonly sendErrors: number;
}

/** Bytes of frames on their way to the driver; at most some hundred frames. */
const SEND_BUFFER_BYTES = 1 << 20;

/** linux/if_packet.h: what this host sent. */
const PACKET_OUTGOING = 4;
/** The number in a VLAN tag; 0 is a tag for priority only. */
const VLAN_NUMBER_MASK = 0xfff;

/**
 * In front of every filter: keeps out frames that this host sends (kernels before 4.20 have no option for it), and
 * frames whose VLAN tag the kernel took off, which belong to another interface.
 */
export const incomingOnly = assemble([
  loadWord(ancillary.packetType),
  jumpIfEqual(PACKET_OUTGOING, "reject"),
  loadWord(ancillary.vlanTag),
  and(VLAN_NUMBER_MASK),
  jumpIfEqual(0, "program"),
  label("reject"),
  reject(),
  label("program"),
]);

export class PacketRing extends ReceiveRing {
  /** Index of the network header in {@link frame}. */
  readonly networkAt: number;
  private readonly sendFd: number;
  private readonly queue: SendQueue;
  private readonly offloadSocket: OffloadSocket;
  private isOpen = true;

  private constructor(
    fd: number,
    memory: BytePtr,
    slots: number,
    /** Bytes in front of the network header on this link. */
    readonly linkHeaderBytes: number,
    sending: Sending,
  ) {
    super(fd, memory, slots);
    this.networkAt = linkHeaderBytes;
    this.sendFd = sending.fd;
    this.queue = sending.queue;
    this.offloadSocket = sending.offloadSocket;
  }

  /** Opens the rings of one interface; from here on its frames enter, if the filter accepts them. */
  static open(this: void, options: PacketRingOptions): Outcome<PacketRing> {
    const [fd, problem] = openPacketSocket();
    if (fd === undefined) return fail(problem);
    const [memory, memoryProblem] = prepareReceiving(fd, options);
    if (memory === undefined) {
      closeSocket(fd);
      return fail(memoryProblem);
    }
    const [sending, sendProblem] = openSending(options);
    if (sending === undefined) {
      unmapRing(memory, options.receiveSlots);
      closeSocket(fd);
      return fail(sendProblem);
    }
    const ring = new PacketRing(fd, memory, options.receiveSlots, options.linkHeaderBytes, sending);
    const [bound, bindProblem] = bindToLink(fd, options.interfaceIndex, ETH_P_ALL);
    if (bound === undefined) {
      ring.close();
      return fail(bindProblem);
    }
    return succeed(ring);
  }

  /**
   * Has another interface's frames enter from now on; they leave by the same one as ever. Until the kernel is sure that
   * nobody uses what was, some 10 ms, none enter. Nothing happens when closed.
   */
  listen(interfaceIndex: number, filter: readonly FilterInstruction[]): Outcome<true> {
    if (!this.isOpen) return succeed(true as const);
    const [filtered, problem] = this.setFilter(filter);
    return filtered === undefined ? fail(problem) : bindToLink(this.fd, interfaceIndex, ETH_P_ALL);
  }

  /** Changes which frames enter from now on; none that is already in is lost. */
  setFilter(filter: readonly FilterInstruction[]): Outcome<true> {
    return attachFilter(this.fd, incomingOnly.concat(filter));
  }

  /** Sends `lengthBytes` from `frame` on, which must stay as they are until {@link flush}. False when closed. */
  send(frame: BytePtr, lengthBytes: number): boolean {
    if (this.isOpen) this.queue.push(frame, lengthBytes);
    return this.isOpen;
  }

  /**
   * Sends the frame that another ring moved to, with what its sender left to offload.
   *
   * @param at where the frame to send starts in `from.frame`: negative when this link's header is longer
   * @param lengthBytes from there to its end
   * @returns false when closed
   */
  forward(from: ReceiveRing, at: number, lengthBytes: number): boolean {
    if (!this.isOpen) return false;
    if (from.needsOffload) this.forwardWithOffload(from, at, lengthBytes);
    else this.queue.push(pointerAt(from.frame, at), lengthBytes);
    return true;
  }

  /** Memory for a frame of up to 2048 bytes to be made, the caller's until {@link commit}. */
  reserve(): BytePtr {
    return this.queue.reserve();
  }

  /** Sends the frame made in the memory from reserve(). */
  commit(lengthBytes: number): void {
    this.queue.commit(lengthBytes);
  }

  /** Hands everything to the kernel; afterwards the memory of sent frames may be used again. */
  flush(): void {
    if (this.isOpen) this.queue.flush();
  }

  /** The interface's error that poll() told of as FAILED, for instance "Network is down"; reading it clears it. */
  takeError(): string | undefined {
    const value = create(typeOf<Ptr<number>>("int[1]"));
    const length = create(typeOf<Ptr<number>>("unsigned[1]"));
    length[0] = 4;
    const failed = C.getsockopt(this.fd, abi.SOL_SOCKET, abi.SO_ERROR, value, length) !== 0;
    return failed || value[0] === 0 ? undefined : describeError(value[0]);
  }

  /** Frames counted since opening. */
  statistics(): RingStatistics {
    this.readStatistics();
    return {
      received: this.received,
      receiveDrops: this.drops,
      sent: this.queue.sent + this.offloadSocket.sent,
      sendDrops: this.queue.drops + this.offloadSocket.drops,
      sendErrors: this.queue.errors + this.offloadSocket.errors,
    };
  }

  /** Drops what is queued. {@link frame} and memory from reserve() must not be used afterwards. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.unmap();
    this.offloadSocket.close();
    closeSocket(this.sendFd);
    closeSocket(this.fd);
  }

  /** What is queued goes first, so that frames of one flow stay in order. */
  private forwardWithOffload(from: ReceiveRing, at: number, lengthBytes: number): void {
    this.queue.flush();
    this.offloadSocket.send(from.offloadHeader, from.frame, at, lengthBytes);
  }
}

/** Everything that must hold before the first frame may enter; the socket is not bound yet. */
function prepareReceiving(fd: number, options: PacketRingOptions): Outcome<BytePtr> {
  const [filtered, problem] = attachFilter(fd, incomingOnly.concat(options.filter));
  if (filtered === undefined) return fail(problem);
  // Saves the filter's work for frames sent; where the kernel is too old for it, the filter does it all.
  setPacketOption(fd, packetOption.ignoreOutgoing, 1, "frames sent are seen");
  return mapRing(fd, options.receiveSlots);
}

interface Sending {
  readonly fd: number;
  readonly queue: SendQueue;
  readonly offloadSocket: OffloadSocket;
}

function openSending(options: PacketRingOptions): Outcome<Sending> {
  const [offloadSocket, offloadProblem] = OffloadSocket.open(options.interfaceIndex, options.linkHeaderBytes);
  if (offloadSocket === undefined) return fail(offloadProblem);
  const [fd, problem] = openSendSocket(options);
  if (fd === undefined) {
    offloadSocket.close();
    return fail(problem);
  }
  const queue = new SendQueue(fd, options.sendSlots, addressFor(options.interfaceIndex, options.linkHeaderBytes));
  return succeed({ fd, queue, offloadSocket });
}

/** A socket of its own, because one that has a tap's protocol would mark everything it sends with it. */
function openSendSocket(options: PacketRingOptions): Outcome<number> {
  const [fd, problem] = openPacketSocket();
  if (fd === undefined) return fail(problem);
  setSocketBuffer(fd, "send", SEND_BUFFER_BYTES);
  let [done, cause] = bindToLink(fd, options.interfaceIndex, 0);
  if (done !== undefined && options.bypassQueueing) {
    [done, cause] = setPacketOption(fd, packetOption.bypassQueueing, 1, "queueing cannot be bypassed");
  }
  if (done === undefined) {
    closeSocket(fd);
    return fail(cause!);
  }
  return succeed(fd);
}
