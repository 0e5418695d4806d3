// SPDX-License-Identifier: GPL-2.0-only
// Packets that a NAT holds, bounded as the forwarding layer's queue is (src/forwarding/hold-queue.ts).

import type { Packet } from "../packet";

const PACKETS_PER_KEY_MAX = 16;
const HOLD_MS = 15000;

interface Held {
  readonly packet: Packet;
  readonly isFromLan: boolean;
  readonly sinceMs: number;
}

export class HeldPackets {
  count = 0;
  private readonly byKey = new LuaMap<number, Held[]>();

  hold(key: number, packet: Packet, isFromLan: boolean, nowMs: number): void {
    const held = this.byKey.get(key) ?? [];
    if (held.length >= PACKETS_PER_KEY_MAX) return;
    held.push({ packet, isFromLan, sinceMs: nowMs });
    this.byKey.set(key, held);
    this.count += 1;
  }

  /** Takes all packets under a key out, oldest first. */
  take(key: number): readonly Held[] {
    const held = this.byKey.get(key);
    if (held === undefined) return [];
    this.byKey.delete(key);
    this.count -= held.length;
    return held;
  }

  expire(nowMs: number): void {
    for (const [key, held] of this.byKey) {
      if (nowMs - held[0].sinceMs >= HOLD_MS) this.take(key);
    }
  }
}
