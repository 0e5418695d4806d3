// SPDX-License-Identifier: GPL-2.0-only
// When order does not tell whose an incoming SPI is: several possible owners, collisions, epochs older than our memory.
//
// The answer is the same in each case: every possible owner gets a record, and so a copy; only the SA's holder can use
// it. Copies are bounded and counted, and end when the tunnel's next epoch is paired.

import {
  ESP_RECORD_WORDS,
  EspField,
  EVIDENCE_MASK,
  EVIDENCE_SHIFT,
  FLAG_COLLISION,
  FLAG_GUESS,
  FLAG_RESTORED,
  FLAG_SHARED,
  FLAG_UNSEEN,
  Learned,
  NO_SPI,
  Phase,
  PHASE_MASK,
} from "./esp-record";
import { MS_PER_TICK } from "./esp-items";
import type { EspServer } from "./esp-server";
import { EspTurns } from "./esp-turns";
import { NO_RECORD } from "./key-index";
import type { Verdict } from "./verdict";

/** A sequence number further behind the highest one is no reordering: RFC 4303 §3.4.3 asks for a window of 64. */
const REORDER_WINDOW = 64;
/** Points of evidence for a collision: a number far behind, one slightly behind or repeated; each in order takes 1. */
const EVIDENCE_FAR = 96;
const EVIDENCE_NEAR = 2;
/** Two numbers far behind make a collision, or a long run of interleaved ones; 64 overtaken by one packet do not. */
const EVIDENCE_COLLISION = 192;
/** While another client waits for an answer from this server, one number far behind is enough, or a dozen others. */
const EVIDENCE_WEIGHT_OUTSTANDING = 8;
/** An epoch on which the server sent this recently is in use: it will send on the next one as soon as it can. */
const IN_USE_MS = 1000;
/**
 * More than so many times the clients that may get copies are a crowd, which copies would leave out for the most part; but
 * not when SPIs of half of them came in unasked just after the start: of servers that push, order tells nothing.
 */
const CROWD_SHARE = 2;
/**
 * An owner that was guessed is doubted for this long: after it, an unanswered epoch has another cause. For as long after
 * a start without memory, epochs that we did not see negotiated are taken together: each client gets all their SPIs.
 */
export const DOUBT_MS = 300000;

export class EspDoubts extends EspTurns {
  // Several possible owners

  /**
   * Who may own an SPI that answers nothing outstanding: clients of this server whose epochs are unanswered or only
   * guessed, and those that IKE points to. Of a crowd nobody: who has an SPI does not wait, and what it then sends is
   * answered in another's turn.
   */
  protected possibleOwners(server: EspServer, nowMs: number): number[] {
    if (this.isCrowd(server, nowMs)) return [];
    const words = this.records.words;
    const waiting = server.waiting.filter((record) => {
      return (words[record * ESP_RECORD_WORDS + EspField.State] & FLAG_UNSEEN) !== 0;
    });
    const unanswered = [...server.outstanding, ...waiting].map((record) => this.clientOf(record));
    const negotiators = this.ike.negotiators(server.address, nowMs);
    const owners = distinct([...unanswered, ...negotiators, ...this.clientsOfGuesses(server, nowMs)]);
    return this.firstFew(owners.length > 0 ? owners : this.ike.likelyOwners(server.address, nowMs));
  }

  protected firstFew(clients: number[]): number[] {
    return clients.slice(0, this.limits.multicastClientsMax);
  }

  /** Clients that share an SPI; and, just after a start without memory, all of whom any SPI was guessed to be. */
  protected clientsOfGuesses(server: EspServer, nowMs: number): number[] {
    const flags = nowMs < this.unseenUntilMs ? FLAG_SHARED | FLAG_UNSEEN | FLAG_GUESS : FLAG_SHARED;
    return this.recordsAt(server, flags).map((record) => this.clientOf(record));
  }

  /**
   * The one other client that renews as well and whose older epoch is in use: the server, which has traffic for it, may
   * use its new epoch before it answers the turn (race 2). Undefined when there is none, and when a third one renews or
   * waits: the rival's held packet goes with the copy, out of turn, and its answer would be taken for the third one's.
   */
  protected rivalInUse(server: EspServer, nowMs: number): number | undefined {
    if (this.limits.multicastClientsMax < 2 || this.isCrowd(server, nowMs)) return undefined;
    const negotiators = this.ike.negotiators(server.address, nowMs);
    const waiting = server.waiting.map((record) => this.clientOf(record));
    const others = distinct([...negotiators, ...waiting]).filter((client) => client !== server.turnClient);
    if (others.length !== 1 || !negotiators.includes(others[0])) return undefined;
    this.refreshUses(server);
    return this.hears(others[0], server, nowMs - IN_USE_MS) ? others[0] : undefined;
  }

  /** Whether anything came in from the server for this client since then. A look at all records: unknown SPIs are rare. */
  private hears(client: number, server: EspServer, sinceMs: number): boolean {
    const words = this.records.words;
    const sinceTick = Math.floor(sinceMs / MS_PER_TICK);
    for (const record of $range(0, this.records.highWater() - 1)) {
      const row = record * ESP_RECORD_WORDS;
      const isTheirs = words[row + EspField.Client] === client && words[row + EspField.Server] === server.address;
      const isKnown = isTheirs && words[row + EspField.InSpi] !== NO_SPI;
      if (isKnown && words[row + EspField.LastIn] >= sinceTick) return true;
    }
    return false;
  }

  /** Gives a client the incoming SPI of another's record too, when limits allow it. */
  protected share(record: number, client: number, server: EspServer, nowMs: number): void {
    const spi = this.records.words[record * ESP_RECORD_WORDS + EspField.InSpi];
    if (spi === NO_SPI || this.ownsInSpi(client, server.address, spi)) return;
    if (this.give(spi, client, server, Learned.Shared, FLAG_SHARED | FLAG_GUESS, nowMs)) {
      this.setFlags(record, FLAG_SHARED);
    }
  }

  protected copyToOwners(server: number, spi: number, lengthBytes: number, nowMs: number, verdict: Verdict): void {
    const words = this.records.words;
    const first = this.byInSpi.findOther(server, spi, spi, NO_RECORD);
    const collided = (words[first * ESP_RECORD_WORDS + EspField.State] & FLAG_COLLISION) !== 0;
    verdict.multicast(collided ? "esp-collision" : "esp-shared");
    let record = first;
    while (record !== NO_RECORD && verdict.copies < this.limits.multicastClientsMax) {
      const row = record * ESP_RECORD_WORDS;
      words[row + EspField.LastIn] = Math.floor(nowMs / MS_PER_TICK);
      words[row + EspField.State] &= ~FLAG_RESTORED;
      this.records.bytes[record * 2 + 1] += lengthBytes;
      verdict.addCopy(words[row + EspField.Client]);
      record = this.byInSpi.findOther(server, spi, spi, record);
    }
    if (verdict.copies === 1) this.clearFlags(first, FLAG_SHARED);
  }

  /**
   * Lets an unanswered record share the incoming SPIs that were in use since it was sent and whose owners are not
   * certain, because they were guessed or because their numbers did not only go up. For an epoch older than our memory
   * that is every SPI of the server: any of them may have been learned from this client's traffic.
   */
  protected offerGuesses(record: number, server: EspServer, nowMs: number): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const client = words[row + EspField.Client];
    const doubtAll = (words[row + EspField.State] & FLAG_UNSEEN) !== 0;
    if (doubtAll && this.isCrowd(server, nowMs)) {
      server.leftOut.add(client);
      return;
    }
    const since = words[row + EspField.Created];
    const doubtedFrom = Math.floor((nowMs - DOUBT_MS) / MS_PER_TICK);
    const suspects: number[] = [];
    this.forEach((other) => {
      const otherRow = other * ESP_RECORD_WORDS;
      const state = words[otherRow + EspField.State];
      if (words[otherRow + EspField.Server] !== server.address || words[otherRow + EspField.Client] === client) return;
      if ((state & PHASE_MASK) !== Phase.Established || words[otherRow + EspField.LastIn] < since) return;
      const guessed = (state & FLAG_GUESS) !== 0 && words[otherRow + EspField.Created] >= doubtedFrom;
      const unsteady = (state & EVIDENCE_MASK) !== 0;
      if (doubtAll || guessed || unsteady) suspects.push(other);
    });
    for (const suspect of this.firstFew(suspects)) this.share(suspect, client, server, nowMs);
  }

  // Epochs older than our memory

  /** Whether so many clients have epochs older than our memory that their turns must tell these apart after all. */
  isCrowd({ unseenCount, unasked }: EspServer, nowMs: number): boolean {
    const few = Math.max(this.limits.multicastClientsMax, unasked);
    return nowMs < this.unseenUntilMs && unseenCount > CROWD_SHARE * few;
  }

  /**
   * In a crowd's turn of an epoch older than our memory, on which the server has counted on for long: whether an SPI that
   * only just began may be that of another who renews and to whom the server spoke first. It is believed when it comes again.
   */
  protected isOthersFirst(server: EspServer, spi: number, sequence: number, nowMs: number): boolean {
    const newest = server.outstanding[server.outstanding.length - 1];
    const isUnseen = (this.records.words[newest * ESP_RECORD_WORDS + EspField.State] & FLAG_UNSEEN) !== 0;
    const isFirst = sequence > 0 && sequence <= REORDER_WINDOW && spi !== server.doubted;
    if (!isUnseen || !isFirst || !this.isCrowd(server, nowMs) || !this.hasRivals(server, nowMs)) return false;
    server.doubted = spi;
    return true;
  }

  /** Whether another than the turn's client has negotiated. */
  protected hasRivals(server: EspServer, nowMs: number): boolean {
    return this.ike.negotiators(server.address, nowMs).some((client) => client !== server.turnClient);
  }

  /** Whether the turn is that of an epoch older than our memory: an unknown SPI may as well be another such one's. */
  protected isTurnUnseen(server: EspServer, nowMs: number): boolean {
    const state = this.records.words[server.outstanding[0] * ESP_RECORD_WORDS + EspField.State];
    return nowMs < this.unseenUntilMs && !this.isCrowd(server, nowMs) && (state & FLAG_UNSEEN) !== 0;
  }

  /** Order tells nothing about epochs that were there before us: each of their clients gets all their SPIs. */
  protected shareUnseen(server: EspServer, nowMs: number): void {
    if (this.isCrowd(server, nowMs)) return;
    const unseen = this.recordsAt(server, FLAG_UNSEEN).map((record) => this.clientOf(record));
    const everyone = distinct(unseen);
    const clients = this.firstFew(everyone);
    for (const client of everyone.slice(clients.length)) server.leftOut.add(client);
    for (const record of this.recordsAt(server, FLAG_UNSEEN | FLAG_GUESS)) {
      for (const client of clients) this.share(record, client, server, nowMs);
    }
  }

  // Collisions

  /**
   * Two SAs on one SPI count up independently, so numbers repeat or fall far behind again and again; reordering on the
   * way makes few such numbers and only near ones. Numbers in order take evidence away.
   */
  protected weighEvidence(record: number, ahead: number, nowMs: number): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    let evidence = (state & EVIDENCE_MASK) >> EVIDENCE_SHIFT;
    if (ahead > 0) {
      evidence = Math.max(0, evidence - 1);
    } else {
      const server = this.serverOf(words[row + EspField.Server]);
      const othersTurn = server.hasTurn() && server.turnClient !== words[row + EspField.Client];
      const points = ahead < -REORDER_WINDOW ? EVIDENCE_FAR : EVIDENCE_NEAR;
      evidence += othersTurn ? points * EVIDENCE_WEIGHT_OUTSTANDING : points;
    }
    if (evidence >= EVIDENCE_COLLISION) {
      evidence = 0;
      this.collide(record, nowMs);
    }
    const after = words[row + EspField.State];
    words[row + EspField.State] = (after & ~EVIDENCE_MASK) | (evidence << EVIDENCE_SHIFT);
  }

  /** Gives the other possible owners of a collided SPI a record of their own: from now on all get copies. */
  protected collide(record: number, nowMs: number): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const spi = words[row + EspField.InSpi];
    const server = this.serverOf(words[row + EspField.Server]);
    const rivals = server.hasTurn() ? [server.turnClient] : this.ike.likelyOwners(server.address, nowMs);
    let joined = false;
    for (const client of this.firstFew(rivals)) {
      if (!this.ownsInSpi(client, server.address, spi)) {
        joined = this.give(spi, client, server, Learned.Collision, FLAG_SHARED | FLAG_COLLISION, nowMs) || joined;
      }
    }
    if (!joined) return;
    this.setFlags(record, FLAG_SHARED | FLAG_COLLISION);
    this.passTurn(server, nowMs);
  }

  /** An old sequence number while another client waits for its answer may be just that: both get it. */
  protected deliverUnshared(record: number, ahead: number, verdict: Verdict): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const owner = words[row + EspField.Client];
    const server = this.serverOf(words[row + EspField.Server]);
    const suspicious = ahead <= 0 && server.hasTurn() && server.turnClient !== owner;
    if (!suspicious || this.limits.multicastClientsMax < 2) {
      verdict.deliver(owner, "esp-established");
      return;
    }
    verdict.multicast("esp-suspect");
    verdict.addCopy(owner);
    verdict.addCopy(server.turnClient);
  }

  /** The client chose the SPI of its older epoch again: numbers begin anew while it waits for a first answer. */
  protected isReuse(record: number, sequence: number, ahead: number): boolean {
    if (ahead >= -REORDER_WINDOW || sequence <= 0 || sequence > REORDER_WINDOW) return false;
    const row = record * ESP_RECORD_WORDS;
    const server = this.serverOf(this.records.words[row + EspField.Server]);
    const isShared = (this.records.words[row + EspField.State] & FLAG_SHARED) !== 0;
    return !isShared && server.hasTurn() && server.turnClient === this.clientOf(record);
  }
}

/** Each number once, in the order of their first places. */
function distinct(numbers: number[]): number[] {
  const seen = new LuaSet<number>();
  return numbers.filter((number) => {
    const isNew = !seen.has(number);
    seen.add(number);
    return isNew;
  });
}
