// SPDX-License-Identifier: GPL-2.0-only
// The ESP items and how they are found, made and forgotten, within the limits; nothing here decides about packets.
//
// Both keys of an item have an index: (client, outgoing SPI, server) and (server, incoming SPI). Several items may have
// one incoming SPI: they are its possible owners.

import { toWord } from "../wire/word";
import {
  ESP_IN_KEY,
  ESP_OUT_KEY,
  ESP_RECORD_WORDS,
  EspField,
  EspRecords,
  FLAG_GUESS,
  FLAG_HOLDS,
  FLAG_OFFLOADED_IN,
  FLAG_RESTORED,
  FLAG_SHARED,
  Learned,
  LEARNED_MASK,
  LEARNED_SHIFT,
  NO_SPI,
  OFFLOADED_MASK,
  Phase,
  PHASE_MASK,
  SENDS_COUNT_MAX,
  SENDS_MASK,
  SENDS_SHIFT,
} from "./esp-record";
import { EspServer } from "./esp-server";
import { KeyIndex, NO_RECORD } from "./key-index";
import type { Limits } from "./limits";
import { Quota } from "./quota";
import { RateLimit } from "./rate-limit";
import type { Reason } from "./reason";
import { ESP_HOLD_BASE, type Releases } from "./releases";
import type { Verdict } from "./verdict";

/** What named an item that is gone. */
export interface ForgottenItem {
  readonly client: number;
  readonly server: number;
  readonly inSpi: number;
}

/** Where packets of established items pass without us, in the kernel; what the items need to know of it. */
export interface EspFastPath {
  /**
   * Ends it for the directions of `flags` (FLAG_OFFLOADED_OUT, FLAG_OFFLOADED_IN) before the call returns, clears them, and
   * brings the item up to date with what has passed.
   */
  takeBack(record: number, flags: number): void;
  /** Brings the times of an item's last packets up to date. */
  refresh(record: number): void;
}

/** Times in records are tenths of a second. */
export const MS_PER_TICK = 100;
/** Records looked at to find one that gives way when the table is full: bounds the work a flood can cause. */
const EVICTION_SAMPLE = 64;
/** An item that its client used this recently may be a tunnel's: dead peer detection, the rarest use, is 30 s apart. */
const OWN_IDLE_MS = 30000;
/** A fiftieth of the records is looked at in each call: at ten calls a second, all are within five seconds. */
const SWEEP_SHARE = 50;

export class EspItems {
  readonly records: EspRecords;
  readonly servers = new LuaMap<number, EspServer>();
  /** Records whose incoming SPI became known or changed since the caller last emptied this list: for the journal. */
  learned: number[] = [];
  /** Items with a known incoming SPI that were forgotten since the caller last emptied this list: for the journal. */
  forgotten: ForgottenItem[] = [];
  /** Absent: all packets pass us. */
  fastPath: EspFastPath | undefined;

  protected readonly byOutSpi: KeyIndex;
  protected readonly byInSpi: KeyIndex;
  protected readonly quota: Quota;
  protected serverCount = 0;
  private sweepAt = 0;
  private evictionAt = 0;

  /** @param seed random, for the hash of the look-ups */
  constructor(
    protected readonly limits: Limits,
    protected readonly releases: Releases,
    seed: number,
  ) {
    this.records = new EspRecords(limits.espItemsMax);
    const words = this.records.words;
    this.byOutSpi = new KeyIndex(words, ESP_RECORD_WORDS, ESP_OUT_KEY, limits.espItemsMax, seed);
    this.byInSpi = new KeyIndex(words, ESP_RECORD_WORDS, ESP_IN_KEY, limits.espItemsMax, toWord(seed + 1));
    this.quota = new Quota(limits.espItemsMax, limits.espItemsPerClientMax);
  }

  count(): number {
    return this.quota.inUse();
  }

  memoryBytes(): number {
    return this.records.memoryBytes() + this.byOutSpi.memoryBytes() + this.byInSpi.memoryBytes();
  }

  /** Visits every record in use. */
  forEach(visit: (record: number) => void): void {
    for (const record of $range(0, this.records.highWater() - 1)) {
      if (this.records.phase(record) !== Phase.Free) visit(record);
    }
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
    // Shared is guessed: an owner for whom there is no room now is offered the SPI again when its turn ends.
    if (shared !== NO_RECORD) {
      this.setFlags(record, FLAG_SHARED | FLAG_GUESS);
      this.setFlags(shared, FLAG_SHARED | FLAG_GUESS);
    }
    if (outSpi === NO_SPI) this.serverOf(server).serverFirst.push(record);
    return true;
  }

  /** Removes a record and gives up what was held for it. */
  forget(record: number): void {
    this.takeBack(record, OFFLOADED_MASK);
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    const server = this.serverOf(words[row + EspField.Server]);
    if (this.holds(record)) this.releases.discard(ESP_HOLD_BASE + record);
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

  // Look-ups out of the packet path

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

  /**
   * A server's records with any of the flags. Not by forEach(): LuaJIT compiles that loop for one visitor, and for the
   * others it was so slow that with 16 000 records a tunnel's first two packets took 2 ms and not 0.4.
   */
  protected recordsAt(server: EspServer, flags: number): number[] {
    const words = this.records.words;
    const records: number[] = [];
    for (const record of $range(0, this.records.highWater() - 1)) {
      const row = record * ESP_RECORD_WORDS;
      const isThere = words[row + EspField.Server] === server.address;
      if (isThere && (words[row + EspField.State] & flags) !== 0) records.push(record);
    }
    return records;
  }

  // Making and binding

  protected add(client: number, server: number, outSpi: number, nowMs: number): number | undefined {
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

  /** Makes `spi` the record's incoming SPI and the record established; its held packets may go. */
  protected bind(record: number, spi: number, learned: Learned): boolean {
    const words = this.records.words;
    const row = record * ESP_RECORD_WORDS;
    words[row + EspField.InSpi] = spi;
    if (!this.byInSpi.insert(record)) {
      words[row + EspField.InSpi] = NO_SPI;
      return false;
    }
    const server = this.serverOf(words[row + EspField.Server]);
    this.releaseHeld(record);
    if (words[row + EspField.OutSpi] !== NO_SPI) server.forget(record);
    const kept = words[row + EspField.State] & ~PHASE_MASK & ~LEARNED_MASK & ~SENDS_MASK;
    words[row + EspField.State] = kept | Phase.Established | (learned << LEARNED_SHIFT);
    this.learned.push(record);
    return true;
  }

  // Giving way and growing old

  /**
   * When the full table must take a client below its share, the longest idle record of one above its share goes. Not
   * one for which packets are held: they would be given up under the number that the newcomer's record gets.
   */
  protected evictFor(client: number): void {
    const victim = this.longestIdle((record) => this.quota.givesWay(this.clientOf(record), client));
    if (victim !== undefined) this.forget(victim);
  }

  /**
   * Whether a client may have another item. One that has its share gives up its own longest idle: whoever rekeys often
   * leaves old epochs behind, and they must not keep its newest out until they are forgotten.
   */
  protected hasRoomFor(client: number, nowMs: number): boolean {
    if (!this.quota.isClientFull(client)) return true;
    const idleSince = Math.floor((nowMs - OWN_IDLE_MS) / MS_PER_TICK);
    const victim = this.longestIdle((record) => this.clientOf(record) === client && this.lastUse(record) <= idleSince);
    if (victim === undefined) return false;
    this.forget(victim);
    return true;
  }

  /** Of the next records those that may go, but for ones for which packets are held. */
  private longestIdle(mayGo: (this: void, record: number) => boolean): number | undefined {
    let longest: number | undefined;
    for (const _ of $range(1, EVICTION_SAMPLE)) {
      this.evictionAt = this.evictionAt + 1 < this.records.highWater() ? this.evictionAt + 1 : 0;
      const candidate = this.evictionAt;
      const isIdler = longest === undefined || this.lastUse(candidate) < this.lastUse(longest);
      const canGo = this.records.phase(candidate) !== Phase.Free && !this.holds(candidate);
      if (isIdler && canGo && mayGo(candidate)) longest = candidate;
    }
    return longest;
  }

  /** Forgets what is idle among the next records. */
  protected sweep(nowMs: number): void {
    const highWater = this.records.highWater();
    const share = Math.ceil(highWater / SWEEP_SHARE);
    for (const _ of $range(1, share)) {
      this.sweepAt = this.sweepAt + 1 < highWater ? this.sweepAt + 1 : 0;
      if (this.isIdle(this.sweepAt, nowMs)) this.forget(this.sweepAt);
    }
  }

  protected isIdle(record: number, nowMs: number): boolean {
    const row = record * ESP_RECORD_WORDS;
    if (this.records.phase(record) === Phase.Free) return false;
    // What becomes quiet is taken back from there long before it counts as idle.
    if ((this.records.words[row + EspField.State] & OFFLOADED_MASK) !== 0) return false;
    const paired = this.records.words[row + EspField.OutSpi] !== NO_SPI;
    const idleMs = paired ? this.limits.espIdleMs : this.limits.espUnconfirmedIdleMs;
    return this.lastUse(record) * MS_PER_TICK + idleMs < nowMs;
  }

  // What the kernel forwards

  /** From now on the packets of an item's directions pass us again. */
  protected takeBack(record: number, flags: number): void {
    const offloaded = this.records.words[record * ESP_RECORD_WORDS + EspField.State] & flags & OFFLOADED_MASK;
    if (offloaded !== 0) this.fastPath?.takeBack(record, offloaded);
  }

  /** Before it is asked which of a server's items are in use. */
  protected refreshUses(server: EspServer): void {
    if (this.fastPath === undefined) return;
    for (const record of this.recordsAt(server, OFFLOADED_MASK)) this.fastPath.refresh(record);
  }

  // What is held

  protected holds(record: number): boolean {
    return (this.records.words[record * ESP_RECORD_WORDS + EspField.State] & FLAG_HOLDS) !== 0;
  }

  protected hold(record: number, reason: Reason, verdict: Verdict): void {
    this.setFlags(record, FLAG_HOLDS);
    verdict.hold(ESP_HOLD_BASE + record, reason);
  }

  /** What is held for a record is decided anew. */
  protected releaseHeld(record: number): void {
    if (!this.holds(record)) return;
    this.clearFlags(record, FLAG_HOLDS);
    this.releases.release(ESP_HOLD_BASE + record);
  }

  // Fields

  protected clientOf(record: number): number {
    return this.records.words[record * ESP_RECORD_WORDS + EspField.Client];
  }

  protected lastUse(record: number): number {
    const row = record * ESP_RECORD_WORDS;
    return Math.max(this.records.words[row + EspField.LastOut], this.records.words[row + EspField.LastIn]);
  }

  protected setPhase(record: number, phase: Phase): void {
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] = (this.records.words[at] & ~PHASE_MASK) | phase;
  }

  protected setFlags(record: number, flags: number): void {
    if ((flags & FLAG_SHARED) !== 0) this.takeBack(record, FLAG_OFFLOADED_IN);
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] |= flags;
  }

  /** Counts packets sent on an unanswered item while others waited. */
  protected setSends(record: number, sends: number): void {
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] = (this.records.words[at] & ~SENDS_MASK) | (Math.min(sends, SENDS_COUNT_MAX) << SENDS_SHIFT);
  }

  protected clearFlags(record: number, flags: number): void {
    const at = record * ESP_RECORD_WORDS + EspField.State;
    this.records.words[at] &= ~flags;
  }

  // Servers

  protected serverOf(address: number): EspServer {
    const known = this.servers.get(address);
    if (known !== undefined) return known;
    const server = new EspServer(address, new RateLimit(this.limits.unknownSpiPerSecondMax));
    this.servers.set(address, server);
    this.serverCount += 1;
    return server;
  }

  protected dropServer(server: EspServer): void {
    this.servers.delete(server.address);
    this.serverCount -= 1;
  }
}
