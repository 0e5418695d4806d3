// SPDX-License-Identifier: GPL-2.0-only
// Packets that wait: copies, in order, under the key of what they wait for, bounded in number, bytes and time.
//
// One key may take a part of the room that is still free, and no more (dynamic queue length thresholds, Choudhury and
// Hahne 1998): however many keys a client fills, some room is left for the others' packets.

import { type BytePtr, byteArray, copyBytes, create } from "../system/ffi";

/** Packets under one key: what a call (RFC 3551: one every 20 ms) sends in the longest turn, Tout's usual second. */
const PACKETS_PER_KEY_MAX = 50;
/** Bytes in all: what a client population may hold up without being felt on a board with 64 MB. */
const BYTES_MAX = 1024 * 1024;
/** Of the free room, for one key. A client that fills 64 keys leaves a ninth free: an eighth of that is ten packets. */
const SHARE_OF_FREE = 1 / 8;
/** Longer than any wait that ends well (Tout, the first fragment, address resolution). */
const HOLD_MS = 15000;
/** Room before the packet for a link header, so that a released packet leaves from where it lies. */
export const HEADROOM_BYTES = 16;

export interface HeldPacket {
  readonly isOutbound: boolean;
  /** The IP packet from {@link HEADROOM_BYTES} on. */
  readonly frame: BytePtr;
  readonly lengthBytes: number;
  readonly sinceMs: number;
}

export class HoldQueue {
  private readonly byKey = new LuaMap<number, HeldPacket[]>();
  private bytes = 0;
  private packets = 0;

  count(): number {
    return this.packets;
  }

  /** Copies a packet; false when there is no room for it. */
  hold(key: number, isOutbound: boolean, packet: BytePtr, lengthBytes: number, nowMs: number): boolean {
    const queue = this.byKey.get(key) ?? [];
    if (queue.length >= PACKETS_PER_KEY_MAX) return false;
    let queueBytes = lengthBytes;
    for (const held of queue) queueBytes += held.lengthBytes;
    if (queueBytes > (BYTES_MAX - this.bytes) * SHARE_OF_FREE) return false;
    const frame = create(byteArray, HEADROOM_BYTES + lengthBytes);
    copyBytes(frame.plus(HEADROOM_BYTES), packet, lengthBytes);
    queue.push({ isOutbound, frame, lengthBytes, sinceMs: nowMs });
    this.byKey.set(key, queue);
    this.bytes += lengthBytes;
    this.packets += 1;
    return true;
  }

  /** Takes all packets under a key out, oldest first. */
  take(key: number): HeldPacket[] {
    const queue = this.byKey.get(key);
    if (queue === undefined) return [];
    this.byKey.delete(key);
    for (const held of queue) {
      this.bytes -= held.lengthBytes;
      this.packets -= 1;
    }
    return queue;
  }

  /** Takes everything out. */
  takeAll(): HeldPacket[] {
    const all: HeldPacket[] = [];
    for (const [key] of this.byKey) all.push(...this.take(key));
    return all;
  }

  /** Gives up what waited too long, whatever it waits for; the number of packets. */
  expire(nowMs: number): number {
    let expired = 0;
    for (const [key, queue] of this.byKey) {
      if (nowMs - queue[0].sinceMs >= HOLD_MS) expired += this.take(key).length;
    }
    return expired;
  }
}
