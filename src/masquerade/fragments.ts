// SPDX-License-Identifier: GPL-2.0-only
// Whose a fragment is: only the first one of a datagram says, by its ports, cookies or SPI, and the others follow it.
//
// Nothing is reassembled. The first fragment is decided as any packet is, and its verdict remembered for the others;
// what comes before it is held until it comes (RFC 4787 REQ-14). Both directions and all protocols are alike.
//
// A datagram that leaves gets an identification of ours: two clients behind one address may use the same one towards the
// same server, which would then mix their fragments (RFC 6864 §5.3, RFC 7857 §9).
//
// Fragments cost an attacker little, so all is bounded, and datagrams whose first fragment is missing never take more
// than half of the places: a flood of them displaces itself, not what arrives in order (REQ-14a).

import type { Ipv4View } from "../wire/ipv4";
import { divide, modulo, unsigned } from "../wire/word";
import { KeyIndex, NO_RECORD } from "./key-index";
import type { Limits } from "./limits";
import { allocateWords, type Words } from "./memory";
import type { Reason } from "./reason";
import { FRAGMENT_HOLD_BASE, type Releases } from "./releases";
import { Action, type Verdict } from "./verdict";

/** The words of a datagram's row. */
const enum Datagram {
  Source = 0,
  Destination = 1,
  /** Protocol << 16 | identification. */
  ProtocolAndIdentification = 2,
  Phase = 3,
  /** When it was first seen, or decided, in tenths of a second. */
  Since = 4,
  /** What its fragments wait for, with its base. */
  HoldKey = 5,
  /** Fragments that wait. */
  Held = 6,
  /** Payload of the first fragment: no other may begin within it. */
  FirstBytes = 7,
  /** Payload of all fragments let through. */
  SeenBytes = 8,
  /** Payload of the whole; 0 until the last fragment has told. */
  TotalBytes = 9,
  /** The identification that it leaves with. */
  Identification = 10,
  // What was decided about the first fragment.
  Action = 11,
  Client = 12,
  Port = 13,
  Copies = 14,
  // The neighbours by age.
  Older = 15,
  Newer = 16,
}

const DATAGRAM_WORDS = 17;
const KEY = {
  first: Datagram.Source,
  second: Datagram.Destination,
  third: Datagram.ProtocolAndIdentification,
};

const enum Phase {
  /** The first fragment has not come; the others are held under the datagram's own key. */
  Waiting,
  /** The first fragment is held itself; the others wait for the same, so that they keep their order. */
  FirstHeld,
  Decided,
}

/** Times in rows are tenths of a second. */
const TICK_MS = 100;
/** Counters of identifications: destinations share them, so that none can be watched through another's. */
const COUNTERS = 256;
const IDENTIFICATIONS = 0x10000;
/** Keys of held datagrams, before they begin again: as many as fit between two trackers' bases. */
const HOLD_KEYS = 0x1000000;

/** Datagrams in order of age, linked through their rows. */
class AgeOrder {
  oldest = NO_RECORD;
  newest = NO_RECORD;
  count = 0;

  constructor(private readonly rows: Words) {}

  append(datagram: number): void {
    this.insert(datagram, this.newest, NO_RECORD);
  }

  /** Makes it the first to go. */
  prepend(datagram: number): void {
    this.insert(datagram, NO_RECORD, this.oldest);
  }

  remove(datagram: number): void {
    const row = datagram * DATAGRAM_WORDS;
    this.link(this.rows[row + Datagram.Older], this.rows[row + Datagram.Newer]);
    this.count -= 1;
  }

  private insert(datagram: number, older: number, newer: number): void {
    this.link(older, datagram);
    this.link(datagram, newer);
    this.count += 1;
  }

  private link(older: number, newer: number): void {
    if (older === NO_RECORD) this.oldest = newer;
    else this.rows[older * DATAGRAM_WORDS + Datagram.Newer] = newer;
    if (newer === NO_RECORD) this.newest = older;
    else this.rows[newer * DATAGRAM_WORDS + Datagram.Older] = older;
  }
}

export class FragmentTracker {
  private readonly rows: Words;
  private readonly byKey: KeyIndex;
  /** The clients of each datagram's multicast. */
  private readonly copyTo: Words;
  private readonly reasons: LuaTable<number, Reason> = new LuaTable();
  private readonly counters: Words = allocateWords(COUNTERS);
  private readonly waiting: AgeOrder;
  /** Datagrams whose first fragment has come. */
  private readonly known: AgeOrder;
  private readonly free: Words;
  private freeCount: number;
  private holdKeys = 0;

  /** @param seed unknown to the network: look-ups and identifications are not to be guessed */
  constructor(
    private readonly limits: Limits,
    private readonly releases: Releases,
    private readonly seed: number,
  ) {
    const capacity = limits.fragmentDatagramsMax;
    this.rows = allocateWords(capacity * DATAGRAM_WORDS);
    this.byKey = new KeyIndex(this.rows, DATAGRAM_WORDS, KEY, capacity, seed);
    this.copyTo = allocateWords(capacity * limits.multicastClientsMax);
    this.waiting = new AgeOrder(this.rows);
    this.known = new AgeOrder(this.rows);
    this.free = allocateWords(capacity);
    this.freeCount = capacity;
    for (const datagram of $range(0, capacity - 1)) this.free[datagram] = datagram;
    for (const counter of $range(0, COUNTERS - 1)) {
      this.counters[counter] = modulo(unsigned(seed) * (counter + 1), IDENTIFICATIONS);
    }
  }

  /**
   * Remembers what was decided about a first fragment from the LAN, and releases those that waited for it.
   *
   * @param packet the fragment, as it came from the client
   * @param verdict the decision; gets the identification that the fragment leaves with. It becomes a drop when another
   *   first fragment of the datagram was let through to somebody else
   */
  firstOutbound(packet: Ipv4View, nowMs: number, verdict: Verdict): void {
    const datagram = this.first(packet, nowMs, verdict);
    this.identify(packet, datagram, verdict);
  }

  /** Likewise for a first fragment from the WAN, which keeps its identification. */
  firstInbound(packet: Ipv4View, nowMs: number, verdict: Verdict): void {
    this.first(packet, nowMs, verdict);
  }

  /** Decides a later fragment from the LAN as the first one was decided; holds it while that has not come. */
  laterOutbound(packet: Ipv4View, nowMs: number, verdict: Verdict): void {
    const datagram = this.later(packet, nowMs, verdict);
    this.identify(packet, datagram, verdict);
  }

  /** Likewise for a later fragment from the WAN. */
  laterInbound(packet: Ipv4View, nowMs: number, verdict: Verdict): void {
    this.later(packet, nowMs, verdict);
  }

  /** The next identification for a datagram to a destination (a word): also for those that are cut on the way out. */
  nextIdentification(destination: number): number {
    const mixed = destination ^ this.seed ^ (destination >>> 16);
    const counter = (mixed ^ (mixed >>> 8)) & (COUNTERS - 1);
    const identification = modulo(this.counters[counter] + 1, IDENTIFICATIONS);
    this.counters[counter] = identification;
    return identification;
  }

  /** Forgets datagrams whose time is over, and gives up what is still held for them. */
  expire(nowMs: number): void {
    const last = divide(nowMs - this.limits.fragmentMs, TICK_MS);
    this.expireOrder(this.waiting, last);
    this.expireOrder(this.known, last);
  }

  /** Forgets everything, for instance when the WAN address has changed. */
  clear(): void {
    while (this.waiting.oldest !== NO_RECORD) this.forget(this.waiting.oldest);
    while (this.known.oldest !== NO_RECORD) this.forget(this.known.oldest);
  }

  /** Datagrams under way. */
  count(): number {
    return this.waiting.count + this.known.count;
  }

  memoryBytes(): number {
    const bytesPerRow = (DATAGRAM_WORDS + this.limits.multicastClientsMax + 1) * 4;
    return this.limits.fragmentDatagramsMax * bytesPerRow + this.byKey.memoryBytes() + COUNTERS * 4;
  }

  private first(packet: Ipv4View, nowMs: number, verdict: Verdict): number {
    let datagram = this.find(packet);
    if (datagram !== NO_RECORD && this.isComplete(datagram)) {
      this.forget(datagram);
      datagram = NO_RECORD;
    }
    if (datagram === NO_RECORD) datagram = this.begin(packet, nowMs, this.known);
    if (datagram === NO_RECORD) return NO_RECORD;
    const row = datagram * DATAGRAM_WORDS;
    if (this.isLetThrough(row)) {
      // A copy of the first fragment, from the network; or, from an attacker, one that would turn the others away.
      if (this.contradicts(row, verdict)) verdict.drop("fragment-conflict");
    } else if (verdict.action === Action.Hold) {
      this.followHold(datagram, verdict.holdKey);
    } else {
      this.decide(datagram, packet.payloadBytes, nowMs, verdict);
    }
    return datagram;
  }

  private later(packet: Ipv4View, nowMs: number, verdict: Verdict): number {
    let datagram = this.find(packet);
    if (datagram === NO_RECORD) datagram = this.begin(packet, nowMs, this.waiting);
    if (datagram === NO_RECORD) {
      verdict.drop("fragment-limit");
      return NO_RECORD;
    }
    const row = datagram * DATAGRAM_WORDS;
    if (this.rows[row + Datagram.Phase] !== Phase.Decided) {
      this.wait(row, verdict);
    } else if (packet.fragmentOffsetBytes() < this.rows[row + Datagram.FirstBytes]) {
      verdict.drop("fragment-overlap");
    } else {
      this.follow(datagram, verdict);
      this.countBytes(datagram, packet);
    }
    return datagram;
  }

  /** Holds a fragment for what its datagram waits for, if not too many do already. */
  private wait(row: number, verdict: Verdict): void {
    const held = this.rows[row + Datagram.Held];
    if (held >= this.limits.fragmentsHeldPerDatagramMax) {
      verdict.drop("fragment-limit");
      return;
    }
    this.rows[row + Datagram.Held] = held + 1;
    verdict.hold(this.rows[row + Datagram.HoldKey], "fragment-waiting");
  }

  /** Gives a later fragment the first one's verdict; ports stand in the first one only. */
  private follow(datagram: number, verdict: Verdict): void {
    const row = datagram * DATAGRAM_WORDS;
    verdict.action = this.rows[row + Datagram.Action];
    verdict.client = this.rows[row + Datagram.Client];
    verdict.port = 0;
    verdict.copies = this.rows[row + Datagram.Copies];
    verdict.reason = "fragment-of-known";
    if (verdict.action === Action.Drop) {
      const reason = this.reasons.get(datagram);
      verdict.reason = reason === "not-ours" ? "fragment-foreign" : reason;
    }
    const at = datagram * this.limits.multicastClientsMax;
    for (const copy of $range(0, verdict.copies - 1)) verdict.copyTo[copy] = this.copyTo[at + copy];
  }

  /** The first fragment is held: what follows waits for the same, and so does what came before, once decided anew. */
  private followHold(datagram: number, holdKey: number): void {
    const row = datagram * DATAGRAM_WORDS;
    this.endWait(datagram);
    this.rows[row + Datagram.Phase] = Phase.FirstHeld;
    this.rows[row + Datagram.HoldKey] = holdKey;
  }

  /** The first fragment has come: releases those before it. */
  private endWait(datagram: number): void {
    const row = datagram * DATAGRAM_WORDS;
    const rows = this.rows;
    if (rows[row + Datagram.Phase] === Phase.Waiting) {
      this.releases.release(rows[row + Datagram.HoldKey]);
      this.waiting.remove(datagram);
      this.known.append(datagram);
    }
    rows[row + Datagram.Held] = 0;
  }

  private decide(datagram: number, firstBytes: number, nowMs: number, verdict: Verdict): void {
    const row = datagram * DATAGRAM_WORDS;
    const rows = this.rows;
    this.endWait(datagram);
    this.known.remove(datagram);
    this.known.append(datagram);
    rows[row + Datagram.Phase] = Phase.Decided;
    rows[row + Datagram.Since] = divide(nowMs, TICK_MS);
    rows[row + Datagram.FirstBytes] = firstBytes;
    rows[row + Datagram.SeenBytes] = firstBytes;
    rows[row + Datagram.Action] = verdict.action;
    rows[row + Datagram.Client] = verdict.client;
    rows[row + Datagram.Port] = verdict.port;
    rows[row + Datagram.Copies] = verdict.action === Action.Multicast ? verdict.copies : 0;
    this.reasons.set(datagram, verdict.reason);
    const at = datagram * this.limits.multicastClientsMax;
    for (const copy of $range(0, rows[row + Datagram.Copies] - 1)) this.copyTo[at + copy] = verdict.copyTo[copy];
  }

  private isLetThrough(row: number): boolean {
    return this.rows[row + Datagram.Phase] === Phase.Decided && this.rows[row + Datagram.Action] !== Action.Drop;
  }

  private contradicts(row: number, verdict: Verdict): boolean {
    const rows = this.rows;
    if (verdict.action === Action.Drop) return false;
    if (verdict.action !== rows[row + Datagram.Action] || verdict.port !== rows[row + Datagram.Port]) return true;
    return verdict.action === Action.Forward && verdict.client !== rows[row + Datagram.Client];
  }

  private countBytes(datagram: number, packet: Ipv4View): void {
    const row = datagram * DATAGRAM_WORDS;
    const rows = this.rows;
    rows[row + Datagram.SeenBytes] = rows[row + Datagram.SeenBytes] + packet.payloadBytes;
    if (!packet.moreFragments()) rows[row + Datagram.TotalBytes] = packet.fragmentOffsetBytes() + packet.payloadBytes;
    if (!this.isComplete(datagram)) return;
    // Not forgotten at once: after a fragment that the network doubled, one may still be missing.
    this.known.remove(datagram);
    this.known.prepend(datagram);
    rows[row + Datagram.Since] = rows[row + Datagram.Since] - divide(this.limits.fragmentMs, TICK_MS);
  }

  private isComplete(datagram: number): boolean {
    const row = datagram * DATAGRAM_WORDS;
    const totalBytes = this.rows[row + Datagram.TotalBytes];
    return totalBytes > 0 && this.rows[row + Datagram.SeenBytes] >= totalBytes;
  }

  private identify(packet: Ipv4View, datagram: number, verdict: Verdict): void {
    if (datagram === NO_RECORD) {
      verdict.identification = this.nextIdentification(packet.destination());
      return;
    }
    const at = datagram * DATAGRAM_WORDS + Datagram.Identification;
    if (this.rows[at] === NO_RECORD) this.rows[at] = this.nextIdentification(packet.destination());
    verdict.identification = this.rows[at];
  }

  private find(packet: Ipv4View): number {
    return this.byKey.find(packet.source(), packet.destination(), protocolAndIdentification(packet));
  }

  /** Takes a row for a datagram; the oldest one of its kind goes for it if need be. */
  private begin(packet: Ipv4View, nowMs: number, order: AgeOrder): number {
    this.makeRoom(order);
    this.freeCount -= 1;
    const datagram = this.free[this.freeCount];
    const row = datagram * DATAGRAM_WORDS;
    const rows = this.rows;
    rows[row + Datagram.Source] = packet.source();
    rows[row + Datagram.Destination] = packet.destination();
    rows[row + Datagram.ProtocolAndIdentification] = protocolAndIdentification(packet);
    if (!this.byKey.insert(datagram)) {
      this.freeCount += 1;
      return NO_RECORD;
    }
    this.holdKeys = modulo(this.holdKeys + 1, HOLD_KEYS);
    rows[row + Datagram.Phase] = order === this.waiting ? Phase.Waiting : Phase.FirstHeld;
    rows[row + Datagram.Since] = divide(nowMs, TICK_MS);
    // A new key for each datagram, not for each row: what waits for an old key is not to wait for the new datagram.
    rows[row + Datagram.HoldKey] = FRAGMENT_HOLD_BASE + this.holdKeys;
    rows[row + Datagram.Held] = 0;
    rows[row + Datagram.SeenBytes] = 0;
    rows[row + Datagram.TotalBytes] = 0;
    rows[row + Datagram.Identification] = NO_RECORD;
    order.append(datagram);
    return datagram;
  }

  private makeRoom(order: AgeOrder): void {
    const isWaitingFull = this.waiting.count >= this.limits.fragmentDatagramsMax / 2;
    if (order === this.waiting && isWaitingFull) this.forget(this.waiting.oldest);
    else if (this.freeCount === 0) this.forget(this.known.count > 0 ? this.known.oldest : this.waiting.oldest);
  }

  private forget(datagram: number): void {
    const row = datagram * DATAGRAM_WORDS;
    if (this.rows[row + Datagram.Phase] === Phase.Waiting) {
      this.releases.discard(this.rows[row + Datagram.HoldKey]);
      this.waiting.remove(datagram);
    } else {
      this.known.remove(datagram);
    }
    this.byKey.remove(datagram);
    this.free[this.freeCount] = datagram;
    this.freeCount += 1;
  }

  private expireOrder(order: AgeOrder, last: number): void {
    while (order.oldest !== NO_RECORD && this.rows[order.oldest * DATAGRAM_WORDS + Datagram.Since] <= last) {
      this.forget(order.oldest);
    }
  }
}

function protocolAndIdentification(packet: Ipv4View): number {
  return (packet.protocol() << 16) | packet.identification();
}
