// SPDX-License-Identifier: GPL-2.0-only
// One server as the ESP tracker sees it: whose turn it is, who waits, and which of its SPIs nobody claimed.
//
// The first answer to a new epoch comes on an SPI that we have never seen. It can be told apart from another client's
// only if one client at a time has an unanswered epoch with that server: the turn. (One client may have several
// unanswered epochs in its turn: whichever the answer belongs to, it is delivered to the same address.)

import type { RateLimit } from "./rate-limit";

/** Unclaimed SPIs remembered of one server: as many epochs as a branch has with one server. */
const STRAYS_MAX = 64;

export class EspServer {
  /** Records of the client whose turn it is, oldest first; empty when nobody's. */
  outstanding: number[] = [];
  turnClient = 0;
  turnSinceMs = 0;
  /** Records whose packets are held, in the order of their turns. */
  waiting: number[] = [];
  /** Records whose outgoing SPI is unknown: the server spoke first. */
  serverFirst: number[] = [];
  /** Clients whose epochs are older than our memory and that are too many to get copies as well. */
  readonly leftOut = new LuaSet<number>();
  /** Records in all; a server without any is forgotten. */
  records = 0;

  private readonly strays = new LuaMap<number, number>();
  private strayCount = 0;

  /**
   * @param address a word
   * @param unknownRate packets with unknown SPIs that are worth a look
   */
  constructor(
    readonly address: number,
    readonly unknownRate: RateLimit,
  ) {}

  hasTurn(): boolean {
    return this.outstanding.length > 0;
  }

  startTurn(client: number, records: number[], nowMs: number): void {
    this.turnClient = client;
    this.turnSinceMs = nowMs;
    this.outstanding = records;
  }

  /** Takes a record out of every list it is in. */
  forget(record: number): void {
    this.outstanding = without(this.outstanding, record);
    this.waiting = without(this.waiting, record);
    this.serverFirst = without(this.serverFirst, record);
  }

  /** An SPI came in that nobody owns: it existed before any answer that we are still waiting for. */
  noteStray(spi: number, nowMs: number): void {
    if (!this.strays.has(spi)) {
      if (this.strayCount >= STRAYS_MAX) return;
      this.strayCount += 1;
    }
    this.strays.set(spi, nowMs);
  }

  isStray(spi: number): boolean {
    return this.strays.has(spi);
  }

  claimStray(spi: number): void {
    if (this.strays.delete(spi)) this.strayCount -= 1;
  }

  /** Forgets SPIs that were not seen since `beforeMs`. */
  expireStrays(beforeMs: number): void {
    for (const [spi, seenMs] of this.strays) {
      if (seenMs < beforeMs) this.claimStray(spi);
    }
  }

  hasStrays(): boolean {
    return this.strayCount > 0;
  }
}

function without(records: number[], record: number): number[] {
  return records.filter((other) => other !== record);
}
