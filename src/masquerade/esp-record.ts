// SPDX-License-Identifier: GPL-2.0-only
// One ESP item: an epoch of one client's tunnel with one server, as a row of words.
//
// VPN Masquerade's item is {client, server, outgoing SPI, incoming SPI}. The four stand so that both keys are
// neighbouring words: (client, out SPI, server) for packets from the LAN, (server, in SPI) for those from the WAN.

import { allocateDoubles, allocateWords, type Doubles, type Words } from "./memory";

export const enum EspField {
  Client,
  OutSpi,
  Server,
  InSpi,
  /** Phase, flags, evidence of a collision, packets sent while others wait, and how the incoming SPI was learned. */
  State,
  /** The highest sequence number seen coming in (RFC 4303 §2.2; the low 32 bits of an extended one). */
  Sequence,
  /** Times are in tenths of a second, so that a word holds six years. */
  Created,
  LastOut,
  LastIn,
}

export const ESP_RECORD_WORDS = 9;
export const ESP_OUT_KEY = { first: EspField.Client, second: EspField.OutSpi, third: EspField.Server };
export const ESP_IN_KEY = { first: EspField.Server, second: EspField.InSpi, third: EspField.InSpi };

/** No SPI: 0 never travels (RFC 4303 §2.1). */
export const NO_SPI = 0;

export const enum Phase {
  Free,
  /** Its packets are held: another client's epoch with this server is answered first. */
  Waiting,
  /** Sent, not answered: the incoming SPI is unknown. */
  Outstanding,
  Established,
}

export const PHASE_MASK = 0x3;
/** Restored from a snapshot, and no packet has confirmed it yet. */
export const FLAG_RESTORED = 0x4;
/** Other records have the same incoming SPI: all their clients get copies. */
export const FLAG_SHARED = 0x8;
/** We saw no IKE exchange that could have made this epoch: it is older than our memory. */
export const FLAG_UNSEEN = 0x10;
/** Another client could own the incoming SPI: it is offered to clients whose epochs stay unanswered. */
export const FLAG_GUESS = 0x20;
/** The incoming sequence numbers ran in two series. */
export const FLAG_COLLISION = 0x40;
/** Packets of the client are held for it: it waits for its turn, or has sent enough in it. */
export const FLAG_HOLDS = 0x80;

/** Evidence of a collision, 0 … 255: points for sequence numbers that do not go up. */
export const EVIDENCE_SHIFT = 8;
export const EVIDENCE_MASK = 0xff << EVIDENCE_SHIFT;
/** Packets sent on an outstanding epoch while others waited, 0 … 255. */
export const SENDS_SHIFT = 16;
export const SENDS_MASK = 0xff << SENDS_SHIFT;
export const SENDS_COUNT_MAX = 255;
export const LEARNED_SHIFT = 24;
export const LEARNED_MASK = 0x7 << LEARNED_SHIFT;

/** The kernel forwards its packets to the server itself: see {@link EspFastPath}. */
export const FLAG_OFFLOADED_OUT = 1 << 27;
/** Likewise those from the server. */
export const FLAG_OFFLOADED_IN = 1 << 28;
export const OFFLOADED_MASK = FLAG_OFFLOADED_OUT | FLAG_OFFLOADED_IN;

/** What of the state needs more than a look-up when a packet comes in. */
export const ATTENTION_MASK = FLAG_RESTORED | FLAG_SHARED | EVIDENCE_MASK | FLAG_OFFLOADED_IN;

export const enum Learned {
  Unknown,
  Answer,
  ServerFirst,
  Shared,
  Collision,
  Restored,
}

/** How an incoming SPI was learned, for people. */
export const LEARNED_TEXTS: Record<Learned, string> = {
  [Learned.Unknown]: "no answer yet",
  [Learned.Answer]: "answer to its first packet",
  [Learned.ServerFirst]: "the server spoke first",
  [Learned.Shared]: "one of several possible owners",
  [Learned.Collision]: "same SPI as another client",
  [Learned.Restored]: "restored from the snapshot",
};

/** Rows of ESP items and their byte counters. */
export class EspRecords {
  readonly words: Words;
  /** Two numbers a record: bytes out, bytes in. */
  readonly bytes: Doubles;
  private readonly free: number[] = [];

  constructor(readonly capacity: number) {
    this.words = allocateWords(capacity * ESP_RECORD_WORDS);
    this.bytes = allocateDoubles(capacity * 2);
    this.firstUnused = 0;
  }

  private firstUnused: number;

  /** A zeroed row, or undefined when all are in use. */
  take(): number | undefined {
    const reused = this.free.pop();
    if (reused !== undefined) return reused;
    if (this.firstUnused >= this.capacity) return undefined;
    this.firstUnused += 1;
    return this.firstUnused - 1;
  }

  giveBack(record: number): void {
    const row = record * ESP_RECORD_WORDS;
    for (const word of $range(row, row + ESP_RECORD_WORDS - 1)) this.words[word] = 0;
    this.bytes[record * 2] = 0;
    this.bytes[record * 2 + 1] = 0;
    this.free.push(record);
  }

  phase(record: number): Phase {
    return this.words[record * ESP_RECORD_WORDS + EspField.State] & PHASE_MASK;
  }

  /** Rows that were ever in use: what a sweep must look at. */
  highWater(): number {
    return this.firstUnused;
  }

  memoryBytes(): number {
    return this.capacity * (ESP_RECORD_WORDS * 4 + 2 * 8);
  }
}
