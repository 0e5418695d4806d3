// SPDX-License-Identifier: GPL-2.0-only
// Frames queued where they are, and handed to the kernel with one system call a burst.
//
// Measured against a PACKET_TX_RING and against one send(2) a frame, this is the fastest way AF_PACKET has: the kernel
// copies a frame once, straight out of the receive ring it came in, where a send ring costs the same copy into it and
// page references on top. And it needs no memory beyond the queue.

import { errno } from "./errno";
import { byteArray, type BytePtr, create, lastErrorNumber, type Ptr } from "./ffi";
import { ETH_P_IP, LINK_ADDRESS_BYTES, type LinkAddress, linkAddress } from "./link-address";
import { type Message, messageArray, type Piece, pieceArray, sendMessages } from "./socket-message";

/** Memory for one frame made by the caller. */
export const MADE_FRAME_BYTES = 2048;

export class SendQueue {
  /** Frames the kernel took. */
  sent = 0;
  /** Frames lost because the socket's buffer or the driver had no room. */
  drops = 0;
  /** Frames the kernel refused: longer than the MTU, interface down or gone. */
  errors = 0;

  private readonly messages: Ptr<Message>;
  private readonly pieces: Ptr<Piece>;
  /** Memory for frames to be made, by slot. Few routers ever make many, so each slot's is taken when it is needed. */
  private readonly madeFrames: Record<number, BytePtr | undefined> = {};
  private queued = 0;

  /**
   * @param fd a packet socket bound to its interface
   * @param slots most frames a system call sends
   * @param address for links without a header, where the protocol cannot be read from the frame
   */
  constructor(
    private readonly fd: number,
    private readonly slots: number,
    private readonly address: LinkAddress | undefined,
  ) {
    this.messages = create(messageArray, slots);
    this.pieces = create(pieceArray, slots);
    for (const slot of $range(0, slots - 1)) {
      const message = this.messages[slot];
      message.pieces = this.pieces.plus(slot);
      message.pieceCount = 1;
      if (this.address !== undefined) {
        message.name = this.address;
        message.nameBytes = LINK_ADDRESS_BYTES;
      }
    }
  }

  /** Queues `lengthBytes` from `frame` on, which must stay as they are until {@link flush}. */
  push(frame: BytePtr, lengthBytes: number): void {
    if (this.queued >= this.slots) this.flush();
    const piece = this.pieces[this.queued];
    piece.base = frame;
    piece.lengthBytes = lengthBytes;
    this.queued += 1;
  }

  /** Memory for {@link MADE_FRAME_BYTES} of a frame to be made, the caller's until commit() and then the queue's. */
  reserve(): BytePtr {
    if (this.queued >= this.slots) this.flush();
    const known = this.madeFrames[this.queued];
    if (known !== undefined) return known;
    const frame = create(byteArray, MADE_FRAME_BYTES);
    this.madeFrames[this.queued] = frame;
    return frame;
  }

  /** Queues the frame made in the memory that reserve() gave last. */
  commit(lengthBytes: number): void {
    this.push(this.madeFrames[this.queued]!, lengthBytes);
  }

  /** Sends what is queued. A frame that is refused does not stop those behind it. */
  flush(): void {
    const count = this.queued;
    this.queued = 0;
    let from = 0;
    while (from < count) {
      const sent = sendMessages(this.fd, this.messages.plus(from), count - from);
      if (sent > 0) {
        this.sent += sent;
        from += sent;
      } else {
        from += this.skip(count - from);
      }
    }
  }

  /** Counts what cannot be sent now: the first frame, or all when the others would fail alike. */
  private skip(left: number): number {
    const cause = lastErrorNumber();
    if (cause === errno.EAGAIN) {
      this.drops += left;
      return left;
    }
    if (cause === errno.ENOBUFS) this.drops += 1;
    else this.errors += 1;
    return 1;
  }
}

/** What frames on a link need to say for themselves: nothing where a link header does. */
export function addressFor(interfaceIndex: number, linkHeaderBytes: number): LinkAddress | undefined {
  return linkHeaderBytes === 0 ? linkAddress(interfaceIndex, ETH_P_IP) : undefined;
}
