// SPDX-License-Identifier: GPL-2.0-only
// The ESP tracker: which client owns an incoming SPI.
//
// An outgoing and an incoming SPI of one tunnel epoch have nothing in common that a NAT could see. VPN Masquerade (US
// patent 7,155,740; draft-brustoloni-vma-00) pairs them by order: a client's first packet on a new outgoing SPI makes an
// *outstanding* item, and the next packet from that server on an unknown incoming SPI is its answer. While one client's
// item is outstanding, other clients' first packets to that server wait: here they are held, not dropped.
//
// Beyond the published mechanism, because order alone can be wrong (see docs/theory.md):
// - a server that speaks first on a new SPI is heard: its packet goes to the clients that just negotiated with it;
// - an SPI with several possible owners gets a record for each, and each gets a copy (bounded, counted);
// - an SPI that the server used before the outstanding packet left is no answer to it;
// - a client whose epoch stays unanswered is offered the SPIs of which the owner was only guessed;
// - a collision (one SPI, two owners) shows in sequence numbers that run in two series; then both get copies.

import { toWord } from "../wire/word";
import {
  ATTENTION_MASK,
  ESP_IN_KEY,
  ESP_OUT_KEY,
  ESP_RECORD_WORDS,
  EspField,
  EspRecords,
  EVIDENCE_MASK,
  EVIDENCE_SHIFT,
  FLAG_COLLISION,
  FLAG_GUESS,
  FLAG_RESTORED,
  FLAG_SHARED,
  FLAG_UNSEEN,
  Learned,
  LEARNED_MASK,
  LEARNED_SHIFT,
  NO_SPI,
  Phase,
  PHASE_MASK,
  SENDS_MASK,
  SENDS_SHIFT,
} from "./esp-record";
import { EspServer } from "./esp-server";
import { KeyIndex, NO_RECORD } from "./key-index";
import type { Limits } from "./limits";
import { Quota } from "./quota";
import { RateLimit } from "./rate-limit";
import { ESP_HOLD_BASE, type Releases } from "./releases";
import type { Verdict } from "./verdict";

/** What named an item that is gone. */
export interface ForgottenItem {
  readonly client: number;
  readonly server: number;
  readonly inSpi: number;
}

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
  /** Whether an IKE exchange that may have made a child SA of these two was ever seen. */
  hasNegotiated(client: number, server: number): boolean;
}

/** A sequence number further behind the highest one is no reordering: RFC 4303 §3.4.3 asks for a window of 64. */
const REORDER_WINDOW = 64;
/** Points of evidence for a collision: a number far behind, one slightly behind or repeated; each in order takes 1. */
const EVIDENCE_FAR = 96;
const EVIDENCE_NEAR = 2;
/** Two numbers far behind make a collision, or a long run of interleaved ones; 64 overtaken by one packet do not. */
const EVIDENCE_COLLISION = 192;
/** While another client waits for an answer from this server, one number far behind is enough, or a dozen others. */
const EVIDENCE_WEIGHT_OUTSTANDING = 8;
const SENDS_COUNT_MAX = 255;
/**
 * An owner that was guessed is doubted for this long: after it, an unanswered epoch has another cause. For as long after
 * a start without memory, epochs that we did not see negotiated are taken together: each client gets all their SPIs.
 */
const DOUBT_MS = 300000;
/** Servers known only by unclaimed SPIs: a bound on what spoofed sources can make us remember. */
const STRAY_SERVERS_MAX = 256;
/** Unclaimed SPIs are remembered for this long: a stream that pauses longer is as good as new. */
const STRAY_MS = 30000;
/** Records looked at to find one that gives way when the table is full: bounds the work a flood can cause. */
const EVICTION_SAMPLE = 64;
const MS_PER_TICK = 100;

export class EspTracker {
  readonly records: EspRecords;
  readonly servers = new LuaMap<number, EspServer>();
  /** Records whose incoming SPI became known or changed since the caller last emptied this list: for the journal. */
  learned: number[] = [];
  /** Items with a known incoming SPI that were forgotten since the caller last emptied this list: for the journal. */
  forgotten: ForgottenItem[] = [];

  private readonly byOutSpi: KeyIndex;
  private readonly byInSpi: KeyIndex;
  private readonly quota: Quota;
  private serverCount = 0;
  private relearnUntilMs = 0;
  private unseenUntilMs = 0;
  private sweepAt = 0;
  private evictionAt = 0;

  /** @param seed random, for the hash of the look-ups */
  constructor(
    private readonly limits: Limits,
    private readonly ike: IkeKnowledge,
    private readonly releases: Releases,
    seed: number,
  ) {
    this.records = new EspRecords(limits.espItemsMax);
    const words = this.records.words;
    this.byOutSpi = new KeyIndex(words, ESP_RECORD_WORDS, ESP_OUT_KEY, limits.espItemsMax, seed);
    this.byInSpi = new KeyIndex(words, ESP_RECORD_WORDS, ESP_IN_KEY, limits.espItemsMax, toWord(seed + 1));
    this.quota = new Quota(limits.espItemsMax, limits.espItemsPerClientMax);
  }

  /** Started without a snapshot: tunnels may exist that we have never seen, so listen before sending. */
  startRelearning(nowMs: number): void {
    this.relearnUntilMs = nowMs + this.limits.relearnMs;
    this.unseenUntilMs = nowMs + DOUBT_MS;
  }

  count(): number {
    return this.quota.inUse();
  }

  memoryBytes(): number {
    return this.records.memoryBytes() + this.byOutSpi.memoryBytes() + this.byInSpi.memoryBytes();
  }

  /**
   * A packet from a client.
   * @param client, server addresses (words)
   * @param spi the outgoing SPI (word)
   * @param lengthBytes of the IP packet
   */
  outbound(client: number, server: number, spi: number, lengthBytes: number, nowMs: number, verdict: Verdict): void {
    const record = this.byOutSpi.find(client, spi, server);
    if (record === NO_RECORD) {
      this.outboundUnknown(client, server, spi, lengthBytes, nowMs, verdict);
      return;
    }
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    words[row + EspField.LastOut] = Math.floor(nowMs / MS_PER_TICK);
    if ((state & PHASE_MASK) !== Phase.Established) {
      this.outboundUnanswered(record, lengthBytes, verdict);
      return;
    }
    this.records.bytes[record * 2] += lengthBytes;
    verdict.forward("esp-established");
  }

  /**
   * A packet from a server.
   * @param server address (word)
   * @param spi the incoming SPI (word)
   * @param sequence the ESP sequence number (word)
   * @param lengthBytes of the IP packet
   */
  inbound(server: number, spi: number, sequence: number, lengthBytes: number, nowMs: number, verdict: Verdict): void {
    const record = this.byInSpi.find(server, spi, spi);
    if (record === NO_RECORD) {
      this.inboundUnknown(server, spi, sequence, lengthBytes, nowMs, verdict);
      return;
    }
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    words[row + EspField.LastIn] = Math.floor(nowMs / MS_PER_TICK);
    this.records.bytes[record * 2 + 1] += lengthBytes;
    const ahead = (sequence - words[row + EspField.Sequence]) | 0;
    if (ahead > 0 && (words[row + EspField.State] & ATTENTION_MASK) === 0) {
      words[row + EspField.Sequence] = sequence;
      verdict.deliver(words[row + EspField.Client], "esp-established");
      return;
    }
    this.inboundWithCare(record, sequence, ahead, lengthBytes, nowMs, verdict);
  }

  /** Ends waits that lasted too long and forgets a share of what is idle; call about ten times a second. */
  expire(nowMs: number): void {
    for (const [, server] of this.servers) this.expireServer(server, nowMs);
    this.sweep(nowMs);
  }

  /** When the next wait ends, for a person: the time at which the server's turn passes on, or undefined. */
  turnEndsMs(server: EspServer): number | undefined {
    return server.hasTurn() ? server.turnSinceMs + this.limits.espOutstandingMs : undefined;
  }

  /** Puts back an item that a snapshot remembered; false when there is no room for it or it is there already. */
  restore(client: number, server: number, outSpi: number, inSpi: number, sequence: number, nowMs: number): boolean {
    if (outSpi !== NO_SPI && this.byOutSpi.find(client, outSpi, server) !== NO_RECORD) return false;
    if (outSpi === NO_SPI && this.ownsInSpi(client, server, inSpi)) return false;
    if (this.quota.isClientFull(client)) return false;
    const shared = this.byInSpi.find(server, inSpi, inSpi);
    const record = this.add(client, server, outSpi, nowMs);
    if (record === undefined) return false;
    this.records.words[record * ESP_RECORD_WORDS + EspField.Sequence] = sequence;
    if (!this.bind(record, inSpi, Learned.Restored)) {
      this.forget(record);
      return false;
    }
    this.setFlags(record, FLAG_RESTORED);
    if (shared !== NO_RECORD) {
      this.setFlags(record, FLAG_SHARED);
      this.setFlags(shared, FLAG_SHARED);
    }
    if (outSpi === NO_SPI) this.serverOf(server).serverFirst.push(record);
    return true;
  }

  /** The client of the item with this server and outgoing SPI, for ICMP errors about its packets. */
  ownerOfOutSpi(server: number, spi: number): number | undefined {
    if (spi === NO_SPI) return undefined;
    const words = this.records.words;
    for (const record of $range(0, this.records.highWater() - 1)) {
      const row = record * ESP_RECORD_WORDS;
      if (words[row + EspField.OutSpi] === spi && words[row + EspField.Server] === server) {
        return words[row + EspField.Client];
      }
    }
    return undefined;
  }

  /** Whether this client is an owner of the server's incoming SPI. */
  ownsInSpi(client: number, server: number, spi: number): boolean {
    let record = this.byInSpi.findOther(server, spi, spi, NO_RECORD);
    while (record !== NO_RECORD) {
      if (this.records.words[record * ESP_RECORD_WORDS + EspField.Client] === client) return true;
      record = this.byInSpi.findOther(server, spi, spi, record);
    }
    return false;
  }

  // Outgoing, not established

  private outboundUnanswered(record: number, lengthBytes: number, verdict: Verdict): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    const server = this.serverOf(words[row + EspField.Server]);
    if ((state & PHASE_MASK) === Phase.Waiting) {
      verdict.hold(ESP_HOLD_BASE + record, "esp-waiting");
      return;
    }
    const sends = (state & SENDS_MASK) >> SENDS_SHIFT;
    if (server.waiting.length > 0) {
      if (sends >= this.limits.espOutstandingSendsMax) {
        verdict.drop("esp-outstanding-limit");
        return;
      }
      words[row + EspField.State] = (state & ~SENDS_MASK) | (Math.min(sends + 1, SENDS_COUNT_MAX) << SENDS_SHIFT);
    }
    this.records.bytes[record * 2] += lengthBytes;
    verdict.forward("esp-outstanding");
  }

  private outboundUnknown(
    client: number,
    serverAddress: number,
    spi: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const server = this.servers.get(serverAddress);
    if (server !== undefined) {
      const opened = this.openedFor(client, server);
      if (opened !== undefined && this.pair(opened, server, spi, nowMs)) {
        this.records.bytes[opened * 2] += lengthBytes;
        verdict.forward("esp-paired");
        return;
      }
      if (server.waiting.length >= this.limits.waitingPerServerMax) {
        verdict.drop("esp-waiting-limit");
        return;
      }
    }
    const record = this.admit(client, serverAddress, spi, nowMs, verdict);
    if (record !== undefined) this.startOrWait(record, client, lengthBytes, nowMs, verdict);
  }

  /**
   * A record that the server opened for this client and whose outgoing SPI is still unknown. One that it shares will
   * do when there is no other: its answers come on an SPI that is known already, so waiting for an unknown one would
   * only hold up the others.
   */
  private openedFor(client: number, server: EspServer): number | undefined {
    const words = this.records.words;
    const own = server.serverFirst.filter((record) => words[record * ESP_RECORD_WORDS + EspField.Client] === client);
    const alone = own.find((record) => (words[record * ESP_RECORD_WORDS + EspField.State] & FLAG_SHARED) === 0);
    return alone ?? own[0];
  }

  private pair(record: number, server: EspServer, spi: number, nowMs: number): boolean {
    const row = record * ESP_RECORD_WORDS;
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

  /** A new record within the limits, or undefined and a verdict that says why not. */
  private admit(client: number, server: number, spi: number, nowMs: number, verdict: Verdict): number | undefined {
    if (this.quota.isClientFull(client)) {
      verdict.drop("esp-client-limit");
      return undefined;
    }
    if (this.quota.isFull()) this.evictFor(client);
    const record = this.add(client, server, spi, nowMs);
    if (record === undefined) verdict.drop("esp-table-full");
    return record;
  }

  private startOrWait(record: number, client: number, lengthBytes: number, nowMs: number, verdict: Verdict): void {
    const server = this.serverOf(this.records.words[record * ESP_RECORD_WORDS + EspField.Server]);
    const mayStart = !server.hasTurn() ? server.waiting.length === 0 : server.turnClient === client;
    this.setPhase(record, Phase.Waiting);
    server.waiting.push(record);
    const unseen = this.markUnseen(record);
    if (unseen && nowMs < this.unseenUntilMs) this.shareUnseen(server, nowMs);
    if (this.records.phase(record) === Phase.Established) {
      this.records.bytes[record * 2] += lengthBytes;
      verdict.forward("esp-paired");
      return;
    }
    const relearning = unseen && nowMs < this.relearnUntilMs;
    if (!mayStart || relearning) {
      verdict.hold(ESP_HOLD_BASE + record, relearning ? "esp-relearning" : "esp-waiting");
      return;
    }
    server.forget(record);
    this.setPhase(record, Phase.Outstanding);
    if (server.hasTurn()) server.outstanding.push(record);
    else server.startTurn(client, [record], nowMs);
    this.records.bytes[record * 2] += lengthBytes;
    verdict.forward("esp-first");
  }

  // Incoming, out of the ordinary

  private inboundUnknown(
    serverAddress: number,
    spi: number,
    sequence: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const server = this.servers.get(serverAddress) ?? this.strayServer(serverAddress, nowMs);
    if (server === undefined || !server.unknownRate.admit(nowMs)) {
      verdict.drop("esp-unknown-rate");
      return;
    }
    if (server.hasTurn() && !server.isStray(spi) && !this.isUnseenAt(server, nowMs)) {
      this.bindAnswer(server, spi, sequence, lengthBytes, nowMs, verdict);
      return;
    }
    const owners = this.possibleOwners(server, nowMs);
    if (owners.length === 0) {
      server.noteStray(spi, nowMs);
      verdict.drop("esp-unknown-spi");
      return;
    }
    this.assign(server, spi, owners, nowMs);
    this.inboundAssigned(serverAddress, spi, sequence, lengthBytes, nowMs, verdict);
  }

  /** VPN Masquerade's rule: the unknown SPI answers the outstanding item; then the next client has its turn. */
  private bindAnswer(
    server: EspServer,
    spi: number,
    sequence: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const record = server.outstanding[0];
    const row = record * ESP_RECORD_WORDS;
    const client = this.records.words[row + EspField.Client];
    if (!this.bind(record, spi, Learned.Answer)) {
      verdict.drop("esp-table-full");
      return;
    }
    const rivals = this.ike.negotiators(server.address, nowMs).some((other) => other !== client);
    const unseen = (this.records.words[row + EspField.State] & FLAG_UNSEEN) !== 0;
    if (rivals || unseen) this.setFlags(record, FLAG_GUESS);
    this.ike.epochLearned(client, server.address, nowMs);
    this.records.words[row + EspField.Sequence] = sequence;
    this.records.words[row + EspField.LastIn] = Math.floor(nowMs / MS_PER_TICK);
    this.records.bytes[record * 2 + 1] += lengthBytes;
    this.passTurn(server, nowMs);
    verdict.deliver(client, "esp-bound");
  }

  /** Gives an SPI to its possible owners: to one for good, to several as copies. */
  private assign(server: EspServer, spi: number, owners: number[], nowMs: number): void {
    server.claimStray(spi);
    const shared = owners.length > 1;
    for (const client of owners) {
      if (shared) this.give(spi, client, server, Learned.Shared, FLAG_GUESS | FLAG_SHARED, nowMs);
      else if (this.give(spi, client, server, Learned.ServerFirst, FLAG_GUESS, nowMs)) {
        this.ike.epochLearned(client, server.address, nowMs);
      }
    }
    if (this.isUnseenAt(server, nowMs)) this.shareUnseen(server, nowMs);
    this.passTurn(server, nowMs);
  }

  /** The first packet of an SPI that was just assigned: as any later one, but with a reason of its own. */
  private inboundAssigned(
    server: number,
    spi: number,
    sequence: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const record = this.byInSpi.find(server, spi, spi);
    if (record === NO_RECORD) {
      verdict.drop("esp-table-full");
      return;
    }
    const row = record * ESP_RECORD_WORDS;
    this.records.words[row + EspField.Sequence] = sequence;
    if ((this.records.words[row + EspField.State] & FLAG_SHARED) !== 0) {
      this.copyToOwners(server, spi, lengthBytes, nowMs, verdict);
      return;
    }
    this.records.words[row + EspField.LastIn] = Math.floor(nowMs / MS_PER_TICK);
    this.records.bytes[record * 2 + 1] += lengthBytes;
    verdict.deliver(this.records.words[row + EspField.Client], "esp-server-first");
  }

  private inboundWithCare(
    record: number,
    sequence: number,
    ahead: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const server = words[row + EspField.Server];
    const spi = words[row + EspField.InSpi];
    words[row + EspField.State] &= ~FLAG_RESTORED;
    if (this.isReuse(record, sequence, ahead)) {
      this.records.bytes[record * 2 + 1] -= lengthBytes;
      this.forget(record);
      this.bindAnswer(this.serverOf(server), spi, sequence, lengthBytes, nowMs, verdict);
      return;
    }
    if (ahead > 0) words[row + EspField.Sequence] = sequence;
    this.weighEvidence(record, ahead, nowMs);
    if ((words[row + EspField.State] & FLAG_SHARED) === 0) {
      this.deliverUnshared(record, ahead, verdict);
      return;
    }
    this.records.bytes[record * 2 + 1] -= lengthBytes;
    this.copyToOwners(server, spi, lengthBytes, nowMs, verdict);
  }

  /** An old sequence number while another client waits for its answer may be just that: both get it. */
  private deliverUnshared(record: number, ahead: number, verdict: Verdict): void {
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

  private copyToOwners(server: number, spi: number, lengthBytes: number, nowMs: number, verdict: Verdict): void {
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

  // Collisions

  /** The client chose the SPI of its older epoch again: numbers begin anew while it waits for a first answer. */
  private isReuse(record: number, sequence: number, ahead: number): boolean {
    if (ahead >= -REORDER_WINDOW || sequence <= 0 || sequence > REORDER_WINDOW) return false;
    const row = record * ESP_RECORD_WORDS;
    const server = this.serverOf(this.records.words[row + EspField.Server]);
    const isShared = (this.records.words[row + EspField.State] & FLAG_SHARED) !== 0;
    return !isShared && server.hasTurn() && server.turnClient === this.clientOf(record);
  }

  /**
   * Two SAs on one SPI count up independently, so numbers repeat or fall far behind again and again; reordering on the
   * way makes few such numbers and only near ones. Numbers in order take evidence away.
   */
  private weighEvidence(record: number, ahead: number, nowMs: number): void {
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
  private collide(record: number, nowMs: number): void {
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

  // Owners

  /**
   * Who may own an SPI that answers nothing outstanding: clients of this server whose epochs are unanswered or only
   * guessed, and those that IKE points to.
   */
  private possibleOwners(server: EspServer, nowMs: number): number[] {
    const words = this.records.words;
    const waiting = server.waiting.filter((record) => {
      return (words[record * ESP_RECORD_WORDS + EspField.State] & FLAG_UNSEEN) !== 0;
    });
    const unanswered = [...server.outstanding, ...waiting].map((record) => this.clientOf(record));
    const negotiators = this.ike.negotiators(server.address, nowMs);
    const owners = distinct([...unanswered, ...negotiators, ...this.clientsOfGuesses(server, nowMs)]);
    return this.firstFew(owners.length > 0 ? owners : this.ike.likelyOwners(server.address, nowMs));
  }

  private firstFew(clients: number[]): number[] {
    return clients.slice(0, this.limits.multicastClientsMax);
  }

  /** Clients that share an SPI; and, just after a start without memory, those with epochs older than it. */
  private clientsOfGuesses(server: EspServer, nowMs: number): number[] {
    const flags = nowMs < this.unseenUntilMs ? FLAG_SHARED | FLAG_UNSEEN : FLAG_SHARED;
    return this.recordsAt(server, flags).map((record) => this.clientOf(record));
  }

  private recordsAt(server: EspServer, flags: number): number[] {
    const words = this.records.words;
    const records: number[] = [];
    this.forEach((record) => {
      const row = record * ESP_RECORD_WORDS;
      if (words[row + EspField.Server] !== server.address) return;
      if ((words[row + EspField.State] & flags) !== 0) records.push(record);
    });
    return records;
  }

  // Epochs older than our memory

  private markUnseen(record: number): boolean {
    const row = record * ESP_RECORD_WORDS;
    const words = this.records.words;
    if (this.ike.hasNegotiated(words[row + EspField.Client], words[row + EspField.Server])) return false;
    this.setFlags(record, FLAG_UNSEEN);
    return true;
  }

  /** Whether an unknown SPI of this server may belong to any of several epochs, because we have just begun to learn. */
  private isUnseenAt(server: EspServer, nowMs: number): boolean {
    return nowMs < this.unseenUntilMs && this.recordsAt(server, FLAG_UNSEEN).length > 0;
  }

  /** Order tells nothing about epochs that were there before us: each of their clients gets all their SPIs. */
  private shareUnseen(server: EspServer, nowMs: number): void {
    const unseen = this.recordsAt(server, FLAG_UNSEEN);
    const clients = this.firstFew(distinct(unseen.map((record) => this.clientOf(record))));
    if (clients.length < 2) return;
    for (const record of unseen) {
      for (const client of clients) this.share(record, client, server, nowMs);
    }
  }

  /** Gives a client the incoming SPI of another's record too, when limits allow it. */
  private share(record: number, client: number, server: EspServer, nowMs: number): void {
    const spi = this.records.words[record * ESP_RECORD_WORDS + EspField.InSpi];
    if (spi === NO_SPI || this.ownsInSpi(client, server.address, spi)) return;
    if (this.give(spi, client, server, Learned.Shared, FLAG_SHARED | FLAG_GUESS, nowMs)) {
      this.setFlags(record, FLAG_SHARED);
    }
  }

  private unansweredOf(client: number, server: EspServer): number | undefined {
    const words = this.records.words;
    const isClients = (record: number): boolean => words[record * ESP_RECORD_WORDS + EspField.Client] === client;
    return server.outstanding.find((record) => isClients(record)) ?? server.waiting.find((record) => isClients(record));
  }

  /** Binds an SPI to a client's unanswered record, or to one made for it; false when limits forbid it. */
  private give(
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

  /** A record for an SPI that the server opened towards `client`; undefined when the limits forbid it. */
  private openFor(client: number, server: EspServer, nowMs: number): number | undefined {
    if (server.serverFirst.length >= this.limits.espServerFirstPerServerMax) return undefined;
    if (this.quota.isClientFull(client) || this.quota.isFull()) return undefined;
    const record = this.add(client, server.address, NO_SPI, nowMs);
    if (record === undefined) return undefined;
    server.serverFirst.push(record);
    this.markUnseen(record);
    return record;
  }

  /** Makes `spi` the record's incoming SPI and the record established; its held packets may go. */
  private bind(record: number, spi: number, learned: Learned): boolean {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    words[row + EspField.InSpi] = spi;
    if (!this.byInSpi.insert(record)) {
      words[row + EspField.InSpi] = NO_SPI;
      return false;
    }
    const server = this.serverOf(words[row + EspField.Server]);
    if ((words[row + EspField.State] & PHASE_MASK) === Phase.Waiting) this.releases.release(ESP_HOLD_BASE + record);
    if (words[row + EspField.OutSpi] !== NO_SPI) server.forget(record);
    const kept = words[row + EspField.State] & ~PHASE_MASK & ~LEARNED_MASK & ~SENDS_MASK;
    words[row + EspField.State] = kept | Phase.Established | (learned << LEARNED_SHIFT);
    this.learned.push(record);
    return true;
  }

  // Turns

  /**
   * When nobody has the turn, the client that waits longest gets it, for all its waiting items at once: one client
   * makes the others wait for one turn, however many epochs it opens.
   */
  private passTurn(server: EspServer, nowMs: number): void {
    if (server.hasTurn() || server.waiting.length === 0) return;
    const client = this.clientOf(server.waiting[0]);
    const theirs = server.waiting.filter((record) => this.clientOf(record) === client);
    server.waiting = server.waiting.filter((record) => this.clientOf(record) !== client);
    server.startTurn(client, theirs, nowMs);
    for (const record of theirs) {
      this.setPhase(record, Phase.Outstanding);
      this.releases.release(ESP_HOLD_BASE + record);
    }
  }

  private expireServer(server: EspServer, nowMs: number): void {
    if (server.hasTurn() && nowMs - server.turnSinceMs >= this.limits.espOutstandingMs) {
      this.endTurn(server, nowMs);
    }
    if (nowMs >= this.relearnUntilMs) this.passTurn(server, nowMs);
    server.expireStrays(nowMs - STRAY_MS);
    if (server.records === 0 && !server.hasStrays()) this.dropServer(server);
  }

  /**
   * The turn's time is up (Tout). First the client is offered the SPIs whose owners were guessed: one may be its
   * answer. Otherwise, when others wait, its unanswered items are forgotten and it must start again at the end of the
   * queue; when nobody waits, it may go on trying.
   */
  private endTurn(server: EspServer, nowMs: number): void {
    for (const record of server.outstanding) this.offerGuesses(record, server, nowMs);
    if (server.waiting.length > 0) {
      for (const record of server.outstanding) this.forget(record);
      this.passTurn(server, nowMs);
      return;
    }
    const staleTick = Math.floor((nowMs - this.limits.espOutstandingMs) / MS_PER_TICK);
    for (const record of server.outstanding) {
      if (this.lastUse(record) < staleTick) this.forget(record);
    }
    server.turnSinceMs = nowMs;
  }

  /**
   * Lets an unanswered record share the incoming SPIs that were in use since it was sent and whose owners are not
   * certain, because they were guessed or because their numbers did not only go up. For an epoch older than our memory that is every SPI of the server: any of them may have been learned
   * from this client's traffic.
   */
  private offerGuesses(record: number, server: EspServer, nowMs: number): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const client = words[row + EspField.Client];
    const doubtAll = (words[row + EspField.State] & FLAG_UNSEEN) !== 0;
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

  // Records

  private add(client: number, server: number, outSpi: number, nowMs: number): number | undefined {
    const record = this.records.take();
    if (record === undefined) return undefined;
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const tick = Math.floor(nowMs / MS_PER_TICK);
    words[row + EspField.Client] = client;
    words[row + EspField.OutSpi] = outSpi;
    words[row + EspField.Server] = server;
    words[row + EspField.Created] = tick;
    words[row + EspField.LastOut] = tick;
    words[row + EspField.LastIn] = tick;
    if (outSpi !== NO_SPI && !this.byOutSpi.insert(record)) {
      this.records.giveBack(record);
      return undefined;
    }
    this.quota.add(client);
    this.serverOf(server).records += 1;
    return record;
  }

  /** Removes a record and gives up what was held for it. */
  forget(record: number): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const server = this.serverOf(words[row + EspField.Server]);
    if (this.records.phase(record) === Phase.Waiting) this.releases.discard(ESP_HOLD_BASE + record);
    if (words[row + EspField.OutSpi] !== NO_SPI) this.byOutSpi.remove(record);
    if (words[row + EspField.InSpi] !== NO_SPI) {
      this.byInSpi.remove(record);
      const client = words[row + EspField.Client];
      this.forgotten.push({ client, server: server.address, inSpi: words[row + EspField.InSpi] });
    }
    this.quota.remove(words[row + EspField.Client]);
    server.forget(record);
    server.records -= 1;
    this.records.giveBack(record);
  }

  /** Visits every record in use. */
  forEach(visit: (record: number) => void): void {
    for (const record of $range(0, this.records.highWater() - 1)) {
      if (this.records.phase(record) !== Phase.Free) visit(record);
    }
  }

  /**
   * When the full table must take a client below its share, the longest idle record of one above its share goes. Not
   * one that waits: what is held for it would be given up under the number that the newcomer's record gets.
   */
  private evictFor(client: number): void {
    let victim: number | undefined;
    for (const _ of $range(1, EVICTION_SAMPLE)) {
      this.evictionAt = this.evictionAt + 1 < this.records.highWater() ? this.evictionAt + 1 : 0;
      const candidate = this.evictionAt;
      const isIdler = victim === undefined || this.lastUse(candidate) < this.lastUse(victim);
      if (isIdler && this.mayGiveWay(candidate, client)) victim = candidate;
    }
    if (victim !== undefined) this.forget(victim);
  }

  private mayGiveWay(record: number, newcomer: number): boolean {
    const phase = this.records.phase(record);
    if (phase === Phase.Free || phase === Phase.Waiting) return false;
    return this.quota.givesWay(this.clientOf(record), newcomer);
  }

  /** Looks at a fiftieth of the records, so that all are seen within five seconds of ten calls each. */
  private sweep(nowMs: number): void {
    const highWater = this.records.highWater();
    const share = Math.ceil(highWater / 50);
    for (const _ of $range(1, share)) {
      this.sweepAt = this.sweepAt + 1 < highWater ? this.sweepAt + 1 : 0;
      if (this.isIdle(this.sweepAt, nowMs)) this.forget(this.sweepAt);
    }
  }

  private isIdle(record: number, nowMs: number): boolean {
    const row = record * ESP_RECORD_WORDS;
    if (this.records.phase(record) === Phase.Free) return false;
    const paired = this.records.words[row + EspField.OutSpi] !== NO_SPI;
    const idleMs = paired ? this.limits.espIdleMs : this.limits.espUnconfirmedIdleMs;
    return this.lastUse(record) * MS_PER_TICK + idleMs < nowMs;
  }

  private clientOf(record: number): number {
    return this.records.words[record * ESP_RECORD_WORDS + EspField.Client];
  }

  private lastUse(record: number): number {
    const row = record * ESP_RECORD_WORDS;
    return Math.max(this.records.words[row + EspField.LastOut], this.records.words[row + EspField.LastIn]);
  }

  private setPhase(record: number, phase: Phase): void {
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] = (this.records.words[at] & ~PHASE_MASK) | phase;
  }

  private setFlags(record: number, flags: number): void {
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] |= flags;
  }

  private clearFlags(record: number, flags: number): void {
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] &= ~flags;
  }

  // Servers

  private serverOf(address: number): EspServer {
    const known = this.servers.get(address);
    if (known !== undefined) return known;
    const server = new EspServer(address, new RateLimit(this.limits.unknownSpiPerSecondMax));
    this.servers.set(address, server);
    this.serverCount += 1;
    return server;
  }

  /**
   * A server that no client has sent ESP to. It is worth remembering when IKE knows it, or just after a start without
   * memory, when servers go on sending on epochs that we have not seen.
   */
  private strayServer(address: number, nowMs: number): EspServer | undefined {
    const relearning = nowMs < this.relearnUntilMs && this.serverCount < STRAY_SERVERS_MAX;
    if (!relearning && this.ike.likelyOwners(address, nowMs).length === 0) return undefined;
    return this.serverOf(address);
  }

  private dropServer(server: EspServer): void {
    this.servers.delete(server.address);
    this.serverCount -= 1;
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
