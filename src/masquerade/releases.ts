// SPDX-License-Identifier: GPL-2.0-only
// Which held packets may go and which are given up: the one effect a decision has on packets that came before.
//
// A tracker holds no packets: it names what they wait for by a number, the hold key, and says here when the wait is
// over. The forwarding layer, which has the bytes, asks after each packet and each tick.

/** Key spaces: a hold key is a tracker's own number plus its tracker's base, so that one queue can serve all. */
export const ESP_HOLD_BASE = 0;
export const IKE_HOLD_BASE = 0x1000000;
export const FRAGMENT_HOLD_BASE = 0x2000000;

export class Releases {
  /** Keys whose packets are to be decided anew, oldest first. */
  released: number[] = [];
  /** Keys whose packets will not be sent. */
  discarded: number[] = [];

  release(holdKey: number): void {
    this.released.push(holdKey);
  }

  discard(holdKey: number): void {
    this.discarded.push(holdKey);
  }

  isEmpty(): boolean {
    return this.released.length === 0 && this.discarded.length === 0;
  }

  clear(): void {
    this.released = [];
    this.discarded = [];
  }
}
