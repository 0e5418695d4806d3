// SPDX-License-Identifier: GPL-2.0-only
// One server as the ESP tracker sees it: whose turn it is, who waits, and which of its SPIs nobody claimed.
//
// The first answer to a new epoch comes on an SPI that we have never seen. It can be told apart from another client's
// only if one client at a time has an unanswered epoch with that server: the turn. (One client may have several
// unanswered epochs in its turn: whichever the answer belongs to, it is delivered to the same address.)

import type { RateLimit } from "./rate-limit";

/** Unclaimed SPIs remembered of one server: as many epochs as a large branch has with it. */
const STRAYS_MAX = 256;
/** How fast the time that answers take is learned: RFC 6298 §2.3, alpha. */
const ANSWER_TIME_GAIN = 1 / 8;
/** A turn in a crowd lasts so many times as long: the true answer to it, which may be slower than most, still falls in it. */
const SETTLING = 1.5;

export class EspServer {
  /** Records of the client whose turn it is, oldest first; empty when nobody's. */
  outstanding: number[] = [];
  turnClient = 0;
  turnSinceMs = 0;
  /** Records whose packets are held, in the order of their turns. */
  waiting: number[] = [];
  /** Records whose outgoing SPI is unknown: the server spoke first. */
  serverFirst: number[] = [];
  /** In a crowd: an SPI that came in a turn and was not believed to answer it. */
  doubted: number | undefined;
  /** Clients whose epochs are older than our memory and that are too many to get copies as well. */
  readonly leftOut = new LuaSet<number>();
  /** Clients that have had epochs older than our memory. */
  unseenCount = 0;
  /** Unknown SPIs that came in while we listened after a start without memory. */
  unasked = 0;
  /** In a crowd: until then no turn begins, and another unknown SPI shows that one of the two is not the last turn's. */
  settledMs = 0;
  /** The record that was answered in the last turn, for as long as it is there. */
  answered: number | undefined;
  /** Records in all; a server without any is forgotten. */
  records = 0;

  /** What an answer takes, smoothed; 0: unknown. */
  private answerMs = 0;
  private readonly unseenClients = new LuaSet<number>();
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

  /** In a crowd a turn that was answered goes on for a while, so that a foreign SPI is noticed by the true one. */
  settle(record: number, nowMs: number): void {
    const tookMs = nowMs - this.turnSinceMs;
    this.answerMs += (tookMs - this.answerMs) * (this.answerMs === 0 ? 1 : ANSWER_TIME_GAIN);
    this.settledMs = this.turnSinceMs + SETTLING * Math.max(tookMs, this.answerMs);
    this.answered = record;
  }

  /** Takes a record out of every list it is in. */
  forget(record: number): void {
    this.outstanding = without(this.outstanding, record);
    this.waiting = without(this.waiting, record);
    this.serverFirst = without(this.serverFirst, record);
    if (this.answered === record) this.answered = undefined;
  }

  noteUnseen(client: number): void {
    if (this.unseenClients.has(client)) return;
    this.unseenClients.add(client);
    this.unseenCount += 1;
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
