// SPDX-License-Identifier: GPL-2.0-only
// The receive ring: memory that the kernel fills with frames and we read (AF_PACKET, TPACKET_V2).
//
// Version 2, because version 3 holds frames back until a block is full or a millisecond has passed. A burst is taken at
// a time: one look at the slots, one memory barrier, then frame by frame without a system call or an allocation.
// Frames may be changed and sent where they lie; a burst's slots are given back to the kernel together.
//
// A frame larger than a slot (joined by GRO, or left uncut by a local sender) is cut off in the ring, and the kernel
// queues a whole copy for recv(2) (PACKET_COPY_THRESH), in the order of the slots. receiveLarge() fetches it; one that
// is not fetched is thrown away before the next frame, so that copies and slots stay in step.
// Source: linux/if_packet.h, Documentation/networking/packet_mmap.rst, net/packet/af_packet.c.

import { byteArray, type BytePtr, cast, copyBytes, create, declareC, type Ptr, typeOf } from "./ffi";
import { packetOption, setPacketOption, setPacketStructure, setSocketBuffer } from "./link-address";
import { memoryBarrier } from "./memory-barrier";
import { MAP_SHARED, mapMemory, PROT_READ_WRITE, unmapMemory } from "./memory-map";
import { completeChecksum, needsOffload, OFFLOAD_HEADER_BYTES, segmentBytes } from "./offload-header";
import { fail, type Outcome, succeed } from "./outcome";

/** @noSelf */
interface RingLibrary {
  recv(fd: number, buffer: BytePtr, lengthBytes: number, flags: number): number;
  getsockopt(fd: number, level: number, option: number, value: unknown, lengthBytes: Ptr<number>): number;
}

const C = declareC<RingLibrary>(`
  ssize_t recv(int fd, void *buffer, size_t length, int flags);
  int getsockopt(int fd, int level, int option, void *value, unsigned *length);
`);

/** sys/socket.h, linux/if_packet.h: equal everywhere. */
const MSG_DONTWAIT = 0x40;
const TPACKET_V2 = 1;

/** What one frame takes in the ring: headers of about 90 bytes and any frame of an Ethernet's usual 1514. */
export const SLOT_BYTES = 2048;
/** A block is what the kernel allocates in one piece: small ones are found in fragmented memory. */
const BLOCK_BYTES = 16384;
const SLOTS_PER_BLOCK = BLOCK_BYTES / SLOT_BYTES;

/** Most frames of a burst: enough to spread its cost, few enough to stay in a small CPU's cache. */
export const BURST_FRAMES_MAX = 32;

/** The largest frame: a 64 kB IP packet, its link header and its offload header. */
const LARGE_FRAME_BYTES = OFFLOAD_HEADER_BYTES + 14 + 65535;
/** Free bytes before a large frame, where a longer link header can be put; in the ring there are more. */
const LARGE_HEADROOM_BYTES = 16;
/** Bytes the kernel may queue in whole copies of large frames; more stay truncated. */
const LARGE_QUEUE_BYTES = 512 * 1024;

/** struct tpacket2_hdr, in units of the views below. */
const SLOT_WORDS = SLOT_BYTES / 4;
const SLOT_HALVES = SLOT_BYTES / 2;
const STATUS_WORD = 0;
const WIRE_LENGTH_WORD = 1;
const LENGTH_WORD = 2;
const FRAME_AT_HALF = 6;
/** struct sockaddr_ll behind it, in bytes: its packet type. */
const PACKET_TYPE_AT = 32 + 10;

const STATUS_KERNEL = 0;
const STATUS_USER = 1;
const STATUS_COPY = 2;
const STATUS_CHECKSUM_NOT_READY = 8;

// Volatile, so that a compiled loop reads and writes memory each time.
const wordView = typeOf<Ptr<number>>("volatile int32_t *");
const halfView = typeOf<Ptr<number>>("const volatile uint16_t *");

const ringRequest = typeOf<Ptr<number>>("unsigned[4]");
const RING_REQUEST_BYTES = 16;
const statisticsType = typeOf<Ptr<number>>("unsigned[2]");
const lengthType = typeOf<Ptr<number>>("unsigned[1]");
const STATISTICS_BYTES = 8;
const SOL_PACKET = 263;

export class ReceiveRing {
  /** The frame that {@link receive} moved to: its first byte. It and 14 bytes before it may be written to. */
  frame: BytePtr;
  /** Bytes of the frame that are there, link header included. */
  lengthBytes = 0;
  /** Bytes the frame has; more than {@link lengthBytes} when {@link isTruncated}. */
  wireLengthBytes = 0;
  /** linux/if_packet.h: 0 for this host, 1 broadcast, 2 multicast, 3 another host (promiscuous). */
  packetType = 0;
  /** The transport checksum is only the pseudo-header's sum so far; the rest was left to hardware. */
  isChecksumMissing = false;
  /** The frame cannot be sent by a plain copy: its checksum is missing, or it is large. */
  needsOffload = false;
  /** Payload bytes of each packet that a large frame stands for; 0 when the frame is one packet. */
  segmentBytes = 0;
  /** The frame's offload header, when {@link needsOffload}. */
  readonly offloadHeader = create(byteArray, OFFLOAD_HEADER_BYTES);
  /** The frame is larger than a slot; {@link receiveLarge} may have it whole. */
  isTruncated = false;

  /** Frames the kernel dropped because the ring was full, up to the last {@link readStatistics}. */
  drops = 0;
  received = 0;

  private readonly words: Ptr<number>;
  private readonly halves: Ptr<number>;
  private readonly slotMask: number;
  /** Pointers to where each slot's frame usually starts, made once so that receiving allocates nothing. */
  private readonly frames: Record<number, BytePtr> = {};
  private usualFrameAt = 0;
  private readonly largeMemory = create(byteArray, LARGE_HEADROOM_BYTES + LARGE_FRAME_BYTES);
  private readonly largeMessage = this.largeMemory.plus(LARGE_HEADROOM_BYTES);
  private readonly largeFrame = this.largeMessage.plus(OFFLOAD_HEADER_BYTES);

  /** The frame is not in its slot but in {@link largeMemory}, which the next large frame overwrites. */
  private isLarge = false;
  private hasCopyWaiting = false;
  private nextSlot = 0;
  /** Slots found ready and not yet moved to. */
  private gathered = 0;
  /** Slots moved to and not yet given back. */
  private taken = 0;

  /** @param memory what {@link mapRing} gave for the socket `fd` and so many `slots` */
  protected constructor(
    readonly fd: number,
    private memory: BytePtr | undefined,
    private readonly slots: number,
  ) {
    const start = memory!;
    this.words = cast(wordView, start);
    this.halves = cast(halfView, start);
    this.slotMask = slots - 1;
    this.frame = start;
  }

  /** Counts the frames that are ready, at most {@link BURST_FRAMES_MAX}; call once before a loop of {@link receive}. None once closed. */
  gather(): number {
    if (this.memory === undefined) return 0;
    const words = this.words;
    const mask = this.slotMask;
    const first = this.nextSlot;
    const most = math.min(BURST_FRAMES_MAX, this.slots - this.taken);
    let ready = 0;
    while (ready < most && (words[((first + ready) & mask) * SLOT_WORDS + STATUS_WORD] & STATUS_USER) !== 0) ready += 1;
    if (ready > 0) memoryBarrier();
    this.gathered = ready;
    return ready;
  }

  /** Whether the kernel has put a frame into the ring that was not moved to yet. */
  isFrameWaiting(): boolean {
    return this.memory !== undefined && (this.words[this.nextSlot * SLOT_WORDS + STATUS_WORD] & STATUS_USER) !== 0;
  }

  /** Moves to the next gathered frame and sets the fields; false when the burst is over. */
  receive(): boolean {
    if (this.hasCopyWaiting) this.discardCopy();
    if (this.gathered === 0) return false;
    this.gathered -= 1;
    const slot = this.nextSlot;
    this.nextSlot = (slot + 1) & this.slotMask;
    this.taken += 1;
    this.received += 1;
    const at = slot * SLOT_WORDS;
    const status = this.words[at + STATUS_WORD];
    const frameAt = this.halves[slot * SLOT_HALVES + FRAME_AT_HALF];
    if (frameAt !== this.usualFrameAt) this.locateFrames(frameAt);
    const frame = this.frames[slot];
    this.frame = frame;
    this.lengthBytes = this.words[at + LENGTH_WORD];
    this.wireLengthBytes = this.words[at + WIRE_LENGTH_WORD];
    this.packetType = frame[PACKET_TYPE_AT - frameAt];
    this.isChecksumMissing = (status & STATUS_CHECKSUM_NOT_READY) !== 0;
    this.segmentBytes = 0;
    this.isTruncated = false;
    this.isLarge = false;
    this.needsOffload = this.isChecksumMissing;
    if (this.lengthBytes < this.wireLengthBytes) this.noteLarge(status);
    else if (needsOffload(frame, -OFFLOAD_HEADER_BYTES)) this.takeOffload();
    return true;
  }

  /**
   * Finishes the checksum of the frame moved to, so that a copy of it can be sent later. Call it before rewriting
   * addresses. False for large frames.
   */
  completeChecksum(): boolean {
    if (!this.isChecksumMissing) return true;
    if (!completeChecksum(this.offloadHeader, this.frame, this.lengthBytes)) return false;
    this.isChecksumMissing = false;
    this.needsOffload = this.isLarge;
    return true;
  }

  /**
   * Moves from a truncated frame to its whole copy, which stays valid until the next one. False when the kernel had no
   * room for a copy.
   */
  receiveLarge(): boolean {
    if (!this.hasCopyWaiting) return false;
    this.hasCopyWaiting = false;
    const count = tonumber(C.recv(this.fd, this.largeMessage, LARGE_FRAME_BYTES, MSG_DONTWAIT))!;
    if (count !== this.wireLengthBytes + OFFLOAD_HEADER_BYTES) return false;
    this.isTruncated = false;
    this.isLarge = true;
    this.frame = this.largeFrame;
    this.lengthBytes = this.wireLengthBytes;
    this.takeOffload();
    return true;
  }

  /** Gives every frame moved to back to the kernel. */
  release(): void {
    if (this.hasCopyWaiting) this.discardCopy();
    const words = this.words;
    const mask = this.slotMask;
    const count = this.taken;
    const first = this.nextSlot + this.slots - count;
    if (count > 0) memoryBarrier();
    for (const offset of $range(0, count - 1))
      words[((first + offset) & mask) * SLOT_WORDS + STATUS_WORD] = STATUS_KERNEL;
    this.taken = 0;
  }

  /** Brings {@link drops} up to date. */
  readStatistics(): void {
    const counts = create(statisticsType);
    const length = create(lengthType);
    length[0] = STATISTICS_BYTES;
    if (C.getsockopt(this.fd, SOL_PACKET, packetOption.statistics, counts, length) === 0) this.drops += counts[1];
  }

  /** Takes the ring's memory back; {@link frame} and all pointers into it must not be used afterwards. */
  protected unmap(): void {
    if (this.memory !== undefined) unmapRing(this.memory, this.slots);
    this.memory = undefined;
    this.gathered = 0;
    this.taken = 0;
  }

  /** Frames of a link start at one offset in their slots; the first frame tells it. */
  private locateFrames(frameAt: number): void {
    for (const slot of $range(0, this.slots - 1)) {
      this.frames[slot] = this.memory!.plus(slot * SLOT_BYTES + frameAt);
    }
    this.usualFrameAt = frameAt;
  }

  /** Keeps the header: a longer link header written before the frame would overwrite it. */
  private takeOffload(): void {
    this.needsOffload = true;
    copyBytes(this.offloadHeader, this.frame.plus(-OFFLOAD_HEADER_BYTES), OFFLOAD_HEADER_BYTES);
    this.segmentBytes = segmentBytes(this.offloadHeader, 0);
  }

  private noteLarge(status: number): void {
    this.isTruncated = true;
    this.hasCopyWaiting = (status & STATUS_COPY) !== 0;
  }

  private discardCopy(): void {
    this.hasCopyWaiting = false;
    C.recv(this.fd, this.largeMessage, 0, MSG_DONTWAIT);
  }
}

/**
 * Gives a packet socket, not yet bound, a ring of `slots` frames of {@link SLOT_BYTES}: a power of two, at least 8.
 * With it come offload headers and whole copies of large frames.
 */
export function mapRing(fd: number, slots: number): Outcome<BytePtr> {
  if (slots < SLOTS_PER_BLOCK || (slots & (slots - 1)) !== 0) {
    return fail(`receive ring of ${slots} frames: a power of two of at least ${SLOTS_PER_BLOCK} is accepted`);
  }
  const [ready, problem] = requestRing(fd, slots);
  if (ready === undefined) return fail(problem);
  const [memory, mapProblem] = mapMemory(fd, slots * SLOT_BYTES, PROT_READ_WRITE, MAP_SHARED);
  if (memory === undefined) return fail(`receive ring of ${slots} frames: ${mapProblem}`);
  return succeed(memory);
}

/** Gives back what {@link mapRing} gave. */
export function unmapRing(memory: BytePtr, slots: number): void {
  unmapMemory(memory, slots * SLOT_BYTES);
}

function requestRing(fd: number, slots: number): Outcome<true> {
  setSocketBuffer(fd, "receive", LARGE_QUEUE_BYTES);
  const [version, versionProblem] = setPacketOption(fd, packetOption.version, TPACKET_V2, "TPACKET_V2");
  if (version === undefined) return fail(versionProblem);
  const [header, headerProblem] = setPacketOption(fd, packetOption.offloadHeader, 1, "no offload headers");
  if (header === undefined) return fail(headerProblem);
  const [copies, copiesProblem] = setPacketOption(fd, packetOption.copyThreshold, 1, "no copies of large frames");
  if (copies === undefined) return fail(copiesProblem);
  const request = create(ringRequest);
  request[0] = BLOCK_BYTES;
  request[1] = slots / SLOTS_PER_BLOCK;
  request[2] = SLOT_BYTES;
  request[3] = slots;
  const what = `no memory for a receive ring of ${slots} frames`;
  return setPacketStructure(fd, packetOption.receiveRing, request, RING_REQUEST_BYTES, what);
}
