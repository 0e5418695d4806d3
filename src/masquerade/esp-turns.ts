// SPDX-License-Identifier: GPL-2.0-only
// Whose turn it is at a server, and which of an SPI's two directions belongs to which: pairing by order.
//
// While one client's epoch is unanswered, others wait. An epoch that the server opened waits the other way round, for
// the client's first packet.

import { ESP_RECORD_WORDS, EspField, FLAG_SHARED, FLAG_UNSEEN, Learned, NO_SPI, Phase, PHASE_MASK } from "./esp-record";
import { EspItems, MS_PER_TICK } from "./esp-items";
import type { EspServer } from "./esp-server";
import type { Limits } from "./limits";
import type { Releases } from "./releases";

/** What the ESP tracker needs to know of IKE, which passes the same NAT. */
export interface IkeKnowledge {
  /** Clients that may just have made a child SA with the server, the latest first; else those that spoke IKE with it. */
  likelyOwners(server: number, nowMs: number): number[];
  /**
   * Clients that may have made a child SA with the server within the negotiation time and of which no new incoming SPI
   * was learned since, the latest first.
   */
  negotiators(server: number, nowMs: number): number[];
  /** An incoming SPI of the client's was learned: what it negotiated before now is accounted for. */
  epochLearned(client: number, server: number, nowMs: number): void;
  /** When an IKE exchange that may have made a child SA of these two was last seen; undefined: never. */
  negotiatedMs(client: number, server: number): number | undefined;
}

/**
 * A server uses a new epoch as soon as it has installed it, which may be before its IKE answer has passed us: an SPI
 * that it opened this long before the last message belongs to the same negotiation.
 */
const EXCHANGE_MS = 500;

export class EspTurns extends EspItems {
  /** Epochs that we did not see negotiated are taken together until then: just after a start without memory. */
  protected unseenUntilMs = 0;

  constructor(
    limits: Limits,
    protected readonly ike: IkeKnowledge,
    releases: Releases,
    seed: number,
  ) {
    super(limits, releases, seed);
  }

  /** When the next wait ends, for a person: the time at which the server's turn passes on, or undefined. */
  turnEndsMs(server: EspServer): number | undefined {
    return server.hasTurn() ? server.turnSinceMs + this.limits.espOutstandingMs : undefined;
  }

  // The client spoke first

  /**
   * When nobody has the turn, the client that waits longest gets it, for all its waiting items at once: one client
   * makes the others wait for one turn, however many epochs it opens.
   */
  protected passTurn(server: EspServer, nowMs: number): void {
    const isFree = !server.hasTurn() && nowMs >= server.settledMs;
    if (isFree && server.waiting.length > 0) this.startNextTurn(server, nowMs);
  }

  private startNextTurn(server: EspServer, nowMs: number): void {
    const client = this.clientOf(server.waiting[0]);
    const theirs = server.waiting.filter((record) => this.clientOf(record) === client);
    server.waiting = server.waiting.filter((record) => this.clientOf(record) !== client);
    server.startTurn(client, theirs, nowMs);
    for (const record of theirs) {
      this.setPhase(record, Phase.Outstanding);
      this.releaseHeld(record);
    }
  }

  /**
   * What is held in a turn goes on, one packet of each item a call: a turn in which nothing is sent cannot be answered,
   * and what was sent may have been answered on an older epoch, which the server uses until it has the last message of
   * the negotiation (quick mode's third, RFC 2409 §5.5).
   */
  protected letOneMorePass(server: EspServer): void {
    for (const record of server.outstanding) {
      if (this.holds(record)) {
        this.setSends(record, this.limits.espOutstandingSendsMax - 1);
        this.releaseHeld(record);
      }
    }
  }

  /** An item whose turn has ended without an answer waits for another one with what is held for it, or is forgotten. */
  protected waitAgain(record: number, server: EspServer): void {
    if (!this.holds(record) || server.waiting.length >= this.limits.waitingPerServerMax) {
      this.forget(record);
      return;
    }
    server.forget(record);
    this.setSends(record, 0);
    this.setPhase(record, Phase.Waiting);
    server.waiting.push(record);
  }

  protected unansweredOf(client: number, server: EspServer): number | undefined {
    return this.firstOf(client, server.outstanding) ?? this.firstOf(client, server.waiting);
  }

  private firstOf(client: number, records: readonly number[]): number | undefined {
    for (const record of records) {
      if (this.clientOf(record) === client) return record;
    }
    return undefined;
  }

  // The server spoke first

  /** A record for an SPI that the server opened towards `client`; undefined when the limits forbid it. */
  protected openFor(client: number, server: EspServer, nowMs: number): number | undefined {
    if (server.serverFirst.length >= this.limits.espServerFirstPerServerMax) return undefined;
    if (!this.hasRoomFor(client, nowMs) || this.quota.isFull()) return undefined;
    const record = this.add(client, server.address, NO_SPI, nowMs);
    if (record === undefined) return undefined;
    server.serverFirst.push(record);
    this.markUnseen(record);
    return record;
  }

  /**
   * A record that the server opened for this client alone and whose outgoing SPI is still unknown: since the last
   * negotiation, because what it opened before cannot belong to what was negotiated then. One that the client shares
   * with others may be another's, and then its own answer comes on an SPI that nobody knows: it must be its turn then.
   * If the shared one is its own after all, that shows when the turn ends ({@link pairKnown}).
   */
  protected openedFor(client: number, server: EspServer): number | undefined {
    const words = this.records.words;
    const negotiatedMs = this.ike.negotiatedMs(client, server.address);
    const sinceTick = Math.floor(((negotiatedMs ?? 0) - EXCHANGE_MS) / MS_PER_TICK);
    return server.serverFirst.find((record) => {
      const row = record * ESP_RECORD_WORDS;
      const isShared = (words[row + EspField.State] & FLAG_SHARED) !== 0;
      return !isShared && this.clientOf(record) === client && words[row + EspField.Created] >= sinceTick;
    });
  }

  protected pair(record: number, server: EspServer, spi: number, nowMs: number): boolean {
    const row = record * ESP_RECORD_WORDS;
    if (this.records.words[row + EspField.OutSpi] !== NO_SPI) this.byOutSpi.remove(record);
    this.records.words[row + EspField.OutSpi] = spi;
    if (!this.byOutSpi.insert(record)) {
      this.records.words[row + EspField.OutSpi] = NO_SPI;
      return false;
    }
    this.records.words[row + EspField.LastOut] = Math.floor(nowMs / MS_PER_TICK);
    server.forget(record);
    this.learned.push(record);
    return true;
  }

  /** No new SPI came: the answer was on one that the client has and that was in use. */
  protected pairKnown(record: number, server: EspServer, nowMs: number): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const client = words[row + EspField.Client];
    const spi = words[row + EspField.OutSpi];
    const since = words[row + EspField.Created];
    const opened = server.serverFirst.find((other) => {
      return this.clientOf(other) === client && words[other * ESP_RECORD_WORDS + EspField.LastIn] >= since;
    });
    const known = opened ?? this.takenByOlder(record, server, nowMs);
    if (known === undefined) return;
    this.releaseHeld(record);
    this.forget(record);
    this.pair(known, server, spi, nowMs);
  }

  /**
   * The client's older epoch that took the answer: what the client negotiated is accounted for, it sends on the older
   * epoch no more, and still it hears from the server. Waiting on would be for ever, and for others every second turn.
   */
  private takenByOlder(record: number, server: EspServer, nowMs: number): number | undefined {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const client = words[row + EspField.Client];
    const since = words[row + EspField.Created];
    if (this.ike.negotiators(server.address, nowMs).includes(client)) return undefined;
    return this.recordsAt(server, PHASE_MASK).find((other) => {
      const otherRow = other * ESP_RECORD_WORDS;
      const isTheirs = this.clientOf(other) === client && words[otherRow + EspField.InSpi] !== NO_SPI;
      return isTheirs && words[otherRow + EspField.LastOut] <= since && words[otherRow + EspField.LastIn] >= since;
    });
  }

  /** Binds an SPI to a client's unanswered record, or to one made for it; false when limits forbid it. */
  protected give(
    spi: number,
    client: number,
    server: EspServer,
    learned: Learned,
    flags: number,
    nowMs: number,
  ): boolean {
    const unanswered = this.unansweredOf(client, server);
    const record = unanswered ?? this.openFor(client, server, nowMs);
    if (record === undefined) return false;
    if (this.bind(record, spi, learned)) {
      this.setFlags(record, flags);
      return true;
    }
    if (unanswered === undefined) this.forget(record);
    return false;
  }

  protected markUnseen(record: number): boolean {
    const row = record * ESP_RECORD_WORDS;
    const words = this.records.words;
    const negotiatedMs = this.ike.negotiatedMs(words[row + EspField.Client], words[row + EspField.Server]);
    if (negotiatedMs !== undefined) return false;
    this.setFlags(record, FLAG_UNSEEN);
    this.serverOf(words[row + EspField.Server]).noteUnseen(words[row + EspField.Client]);
    return true;
  }
}
