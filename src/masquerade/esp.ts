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
//
// The tracker is one class in four files, each building on the one before: esp-items (what is kept), esp-turns (order),
// esp-doubts (where order does not tell), and this one (packets). The published algorithm alone remains as a choice, to
// compare with.

import { toWord } from "../wire/word";
import {
  ATTENTION_MASK,
  ESP_RECORD_WORDS,
  EspField,
  FLAG_GUESS,
  FLAG_OFFLOADED_IN,
  FLAG_RESTORED,
  FLAG_SHARED,
  FLAG_UNSEEN,
  Learned,
  Phase,
  PHASE_MASK,
  SENDS_MASK,
  SENDS_SHIFT,
} from "./esp-record";
import { DOUBT_MS, EspDoubts } from "./esp-doubts";
import { MS_PER_TICK } from "./esp-items";
import type { EspServer } from "./esp-server";
import type { IkeKnowledge } from "./esp-turns";
import { NO_RECORD } from "./key-index";
import type { Limits } from "./limits";
import type { Releases } from "./releases";
import { Action, type Verdict } from "./verdict";

/** Servers known only by unclaimed SPIs: a bound on what spoofed sources can make us remember. */
const STRAY_SERVERS_MAX = 256;
/** Unclaimed SPIs are remembered for this long: a stream that pauses longer is as good as new. */
const STRAY_MS = 30000;

/** "published": VPN Masquerade and nothing beyond it, for comparison. */
export type EspAlgorithm = "vpnmasq" | "published";

export class EspTracker extends EspDoubts {
  private relearnUntilMs = 0;
  /** Until then answers may come to turns that are not in the snapshot. */
  private oldTurnsUntilMs = 0;

  /** @param seed random, for the hash of the look-ups */
  constructor(
    limits: Limits,
    ike: IkeKnowledge,
    releases: Releases,
    seed: number,
    private readonly algorithm: EspAlgorithm = "vpnmasq",
  ) {
    super(limits, ike, releases, seed);
  }

  /** Started without a snapshot: tunnels may exist that we have never seen, so listen before sending. */
  startRelearning(nowMs: number): void {
    if (this.algorithm === "published") return;
    this.relearnUntilMs = nowMs + this.limits.relearnMs;
    this.unseenUntilMs = nowMs + DOUBT_MS;
  }

  /** Started with a snapshot: it tells nothing of turns, and what answers those may still be under way. */
  startAgain(nowMs: number): void {
    if (this.algorithm === "published") return;
    this.oldTurnsUntilMs = nowMs + this.limits.espOutstandingMs;
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
      this.outboundUnanswered(record, lengthBytes, nowMs, verdict);
      return;
    }
    this.records.bytes[record * 2] += lengthBytes;
    verdict.forward("esp-established");
    verdict.item = record;
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
    const ahead = toWord(sequence - words[row + EspField.Sequence]);
    if (ahead > 0 && (words[row + EspField.State] & ATTENTION_MASK) === 0) {
      words[row + EspField.Sequence] = sequence;
      verdict.deliver(words[row + EspField.Client], "esp-established");
      verdict.item = record;
      return;
    }
    this.takeBack(record, FLAG_OFFLOADED_IN);
    const aheadNow = toWord(sequence - words[row + EspField.Sequence]);
    this.inboundWithCare(record, sequence, aheadNow, lengthBytes, nowMs, verdict);
  }

  /** Ends waits that lasted too long and forgets a share of what is idle; call about ten times a second. */
  expire(nowMs: number): void {
    for (const [, server] of this.servers) this.expireServer(server, nowMs);
    this.sweep(nowMs);
  }

  // Outgoing, not established

  private outboundUnanswered(record: number, lengthBytes: number, nowMs: number, verdict: Verdict): void {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    const server = this.serverOf(words[row + EspField.Server]);
    if ((state & PHASE_MASK) === Phase.Waiting) {
      this.hold(record, "esp-waiting", verdict);
      this.passOn(server, nowMs);
      return;
    }
    const sends = (state & SENDS_MASK) >> SENDS_SHIFT;
    // What was held until the turn began goes at its very beginning, and does not count.
    if (server.waiting.length > 0 && nowMs > server.turnSinceMs) {
      if (sends >= this.limits.espOutstandingSendsMax) {
        if (this.algorithm === "published") verdict.drop("esp-outstanding-limit");
        else this.hold(record, "esp-outstanding-limit", verdict);
        return;
      }
      this.setSends(record, sends + 1);
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
        verdict.item = opened;
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

  /** A new record within the limits, or undefined and a verdict that says why not. */
  private admit(client: number, server: number, spi: number, nowMs: number, verdict: Verdict): number | undefined {
    if (!this.hasRoomFor(client, nowMs)) {
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
    const isFree = server.waiting.length === 0 && nowMs >= server.settledMs;
    const mayStart = server.hasTurn() ? server.turnClient === client : isFree;
    this.setPhase(record, Phase.Waiting);
    server.waiting.push(record);
    const unseen = this.markUnseen(record);
    if (unseen && nowMs < this.unseenUntilMs) this.shareUnseen(server, nowMs);
    if (this.records.phase(record) === Phase.Established) {
      this.records.bytes[record * 2] += lengthBytes;
      verdict.forward("esp-paired");
      verdict.item = record;
      return;
    }
    const relearning = unseen && nowMs < this.relearnUntilMs;
    if (!mayStart || relearning) {
      this.hold(record, relearning ? "esp-relearning" : "esp-waiting", verdict);
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
    const isPublished = this.algorithm === "published";
    if (server.hasTurn() && (isPublished || this.isAnswer(server, spi, sequence, nowMs))) {
      const rival = isPublished ? undefined : this.rivalInUse(server, nowMs);
      if (rival !== undefined) {
        this.assign(server, spi, [server.turnClient, rival], nowMs);
        this.inboundAssigned(serverAddress, spi, sequence, lengthBytes, nowMs, verdict);
        return;
      }
      this.bindAnswer(server, spi, sequence, lengthBytes, nowMs, verdict);
      return;
    }
    if (isPublished) {
      this.copyToSpeakers(server, nowMs, verdict);
      return;
    }
    const isListening = nowMs < this.relearnUntilMs;
    if (isListening && !server.isStray(spi)) server.unasked += 1;
    const owners = this.possibleOwners(server, nowMs);
    if (owners.length === 0) {
      // In a crowd somebody's true answer may come when it is not expected, and must be one when it comes again.
      if (isListening || server.isStray(spi) || !this.isCrowd(server, nowMs)) server.noteStray(spi, nowMs);
      else if (nowMs < server.settledMs) this.disbelieve(server, nowMs);
      verdict.drop("esp-unknown-spi");
      return;
    }
    this.assign(server, spi, owners, nowMs);
    this.inboundAssigned(serverAddress, spi, sequence, lengthBytes, nowMs, verdict);
  }

  /** Two SPIs came in one turn, and one of them is another client's: the turn's client starts again. */
  private disbelieve(server: EspServer, nowMs: number): void {
    if (server.answered === undefined) return;
    this.forget(server.answered);
    // What else was sent in that turn is still answered.
    server.settledMs += nowMs - server.turnSinceMs;
  }

  /** Whether an unknown SPI answers the turn: not one seen before it, nor just after a start. */
  private isAnswer(server: EspServer, spi: number, sequence: number, nowMs: number): boolean {
    if (server.isStray(spi) || this.isTurnUnseen(server, nowMs) || this.mayAnswerOldTurn(server, nowMs)) return false;
    return !this.isOthersFirst(server, spi, sequence, nowMs);
  }

  /** Just after a start with a snapshot: somebody else had negotiated too, whose turn it may have been before. */
  private mayAnswerOldTurn(server: EspServer, nowMs: number): boolean {
    return nowMs < this.oldTurnsUntilMs && this.hasRivals(server, nowMs);
  }

  /** After a start without memory, what answers a turn may have been under way to an epoch that we have not seen. */
  private isJustStarted(nowMs: number): boolean {
    return nowMs < this.relearnUntilMs + this.limits.espOutstandingMs;
  }

  /** The published algorithm: an SPI that answers nothing goes to all who spoke IKE lately, each time anew. */
  private copyToSpeakers(server: EspServer, nowMs: number, verdict: Verdict): void {
    const clients = this.firstFew(this.ike.likelyOwners(server.address, nowMs));
    verdict.multicast("esp-shared");
    for (const client of clients) verdict.addCopy(client);
    if (clients.length === 0) verdict.drop("esp-unknown-spi");
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
    const inCrowd = this.isCrowd(server, nowMs);
    // Who waited for long may have renewed meanwhile, and of both epochs only the newer one is answered.
    const record = server.outstanding[inCrowd ? server.outstanding.length - 1 : 0];
    const row = record * ESP_RECORD_WORDS;
    const client = this.records.words[row + EspField.Client];
    if (!this.bind(record, spi, Learned.Answer)) {
      verdict.drop("esp-table-full");
      return;
    }
    const unseen = (this.records.words[row + EspField.State] & FLAG_UNSEEN) !== 0;
    if (unseen || this.hasRivals(server, nowMs) || this.isJustStarted(nowMs)) this.setFlags(record, FLAG_GUESS);
    this.ike.epochLearned(client, server.address, nowMs);
    server.leftOut.delete(client);
    this.records.words[row + EspField.Sequence] = sequence;
    this.records.words[row + EspField.LastIn] = Math.floor(nowMs / MS_PER_TICK);
    this.records.bytes[record * 2 + 1] += lengthBytes;
    if (inCrowd) {
      for (const other of server.outstanding) this.forget(other);
      server.settle(record, nowMs);
    }
    this.passTurn(server, nowMs);
    verdict.deliver(client, "esp-bound");
    verdict.item = record;
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
    if (nowMs < this.unseenUntilMs) this.shareUnseen(server, nowMs);
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
    verdict.item = record;
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
    if (this.algorithm === "published") {
      verdict.deliver(words[row + EspField.Client], "esp-established");
      return;
    }
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
      if (verdict.action === Action.Forward) verdict.item = record;
      return;
    }
    this.records.bytes[record * 2 + 1] -= lengthBytes;
    this.copyToOwners(server, spi, lengthBytes, nowMs, verdict);
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

  // Waits that end

  private expireServer(server: EspServer, nowMs: number): void {
    if (server.hasTurn() && nowMs - server.turnSinceMs >= this.limits.espOutstandingMs) {
      this.endTurn(server, nowMs);
    }
    this.passOn(server, nowMs);
    this.letOneMorePass(server);
    server.expireStrays(nowMs - STRAY_MS);
    if (server.records === 0 && !server.hasStrays()) this.dropServer(server);
  }

  /** The next turn begins when nothing speaks against it any more. */
  private passOn(server: EspServer, nowMs: number): void {
    if (nowMs >= this.relearnUntilMs) this.passTurn(server, nowMs);
  }

  /** What answered the turn's client may have come on an SPI that the server opened to it, or that was guessed wrong. */
  private offerKnownSpis(server: EspServer, nowMs: number): void {
    for (const record of server.outstanding) this.pairKnown(record, server, nowMs);
    for (const record of server.outstanding) this.offerGuesses(record, server, nowMs);
  }

  /**
   * The turn's time is up (Tout). When others wait, the client must start again at the end of the queue; when nobody
   * waits, it may go on trying.
   */
  private endTurn(server: EspServer, nowMs: number): void {
    this.refreshUses(server);
    if (this.algorithm === "vpnmasq") this.offerKnownSpis(server, nowMs);
    if (server.waiting.length > 0) {
      for (const record of server.outstanding) this.waitAgain(record, server);
      this.passTurn(server, nowMs);
      return;
    }
    const staleTick = Math.floor((nowMs - this.limits.espOutstandingMs) / MS_PER_TICK);
    for (const record of server.outstanding) {
      if (this.lastUse(record) < staleTick) this.forget(record);
    }
    server.turnSinceMs = nowMs;
  }
}
