// SPDX-License-Identifier: GPL-2.0-only
// Which ESP items the kernel forwards: put there when nothing about them is in doubt, taken back when anything is.
//
// An item has two directions, each with a flag in its state and an entry in a map. What an entry counts is added to the
// item when the direction is taken back; until then the times alone are looked at, now and then. So the daemon remembers
// nothing of its own about an item.

import type { EspTracker } from "../../masquerade/esp";
import { type EspFastPath, MS_PER_TICK } from "../../masquerade/esp-items";
import {
  ESP_RECORD_WORDS,
  EspField,
  EVIDENCE_MASK,
  EVIDENCE_SHIFT,
  FLAG_OFFLOADED_IN,
  FLAG_OFFLOADED_OUT,
  FLAG_RESTORED,
  FLAG_SHARED,
  NO_SPI,
  OFFLOADED_MASK,
  Phase,
} from "../../masquerade/esp-record";
import { headerAdjustment } from "./adjustment";
import type { EntryMap } from "./entry-map";
import type { HopRows } from "./hop-rows";

/** What has been quiet for this long is taken back, so that the kernel's maps hold what is in use. */
export const QUIET_MS = 10000;

/** Directions that nothing speaks against, as flags. Pure. */
export function offerable(state: number, outSpi: number, inSpi: number): number {
  const isEstablished = (state & 3) === Phase.Established;
  if (!isEstablished) return 0;
  const isInCertain = inSpi !== NO_SPI && (state & (FLAG_SHARED | FLAG_RESTORED)) === 0;
  const directions = (outSpi !== NO_SPI ? FLAG_OFFLOADED_OUT : 0) | (isInCertain ? FLAG_OFFLOADED_IN : 0);
  return directions & ~state;
}

export class EspPath implements EspFastPath {
  /** Directions of items that the kernel forwards now. */
  entries = 0;
  /** Why the last entry was refused; undefined when none was. */
  refusal: string | undefined;

  private readonly out: EntryMap;
  private readonly into: EntryMap;
  private readonly lanHops: HopRows;
  private readonly wanHops: HopRows;
  /** Directions that have a program, as flags. */
  private readonly directions: number;

  /** @param wanAddress the clients' shared address, a word */
  constructor(
    private readonly esp: EspTracker,
    maps: { readonly espOut: EntryMap; readonly espIn: EntryMap },
    hops: { readonly lan: HopRows; readonly wan: HopRows },
    private readonly wanAddress: number,
    isAttached: { readonly outbound: boolean; readonly inbound: boolean },
  ) {
    this.out = maps.espOut;
    this.into = maps.espIn;
    this.lanHops = hops.lan;
    this.wanHops = hops.wan;
    this.directions = (isAttached.outbound ? FLAG_OFFLOADED_OUT : 0) | (isAttached.inbound ? FLAG_OFFLOADED_IN : 0);
  }

  /** An item's packet passed us and went on: whatever can be, is forwarded by the kernel from now on. */
  offer(record: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    const client = words[row + EspField.Client];
    const server = words[row + EspField.Server];
    const certain = offerable(state, words[row + EspField.OutSpi], words[row + EspField.InSpi]);
    const directions = certain & this.directions;
    // Where packets pass us although they have an entry, the next hop may have to be found anew.
    const wanRow = this.wanHops.find(server);
    const lanRow = this.lanHops.find(client);
    if ((directions & FLAG_OFFLOADED_OUT) !== 0 && wanRow !== undefined) this.putOut(record, wanRow);
    if ((directions & FLAG_OFFLOADED_IN) !== 0 && lanRow !== undefined) this.putIn(record, lanRow);
  }

  takeBack(record: number, flags: number): void {
    const words = this.esp.records.words;
    const at = record * ESP_RECORD_WORDS + EspField.State;
    const offloaded = words[at] & flags & OFFLOADED_MASK;
    words[at] &= ~offloaded;
    if ((offloaded & FLAG_OFFLOADED_OUT) !== 0) this.takeOut(record);
    if ((offloaded & FLAG_OFFLOADED_IN) !== 0) this.takeIn(record);
  }

  refresh(record: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    if ((state & FLAG_OFFLOADED_OUT) !== 0 && this.selectOut(record).read()) {
      this.note(row + EspField.LastOut, this.out.usedMs);
    }
    if ((state & FLAG_OFFLOADED_IN) !== 0 && this.selectIn(record).read()) {
      this.note(row + EspField.LastIn, this.into.usedMs);
      words[row + EspField.Sequence] = this.into.sequence;
    }
  }

  /** Brings an item up to date and takes back what has been quiet. */
  visit(record: number, nowMs: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    if ((state & OFFLOADED_MASK) === 0) return;
    const lastOut = words[row + EspField.LastOut];
    const lastIn = words[row + EspField.LastIn];
    this.refresh(record);
    if (words[row + EspField.LastOut] !== lastOut) this.wanHops.markInUse(words[row + EspField.Server]);
    if (words[row + EspField.LastIn] !== lastIn) this.lanHops.markInUse(words[row + EspField.Client]);
    const quietSince = Math.floor((nowMs - QUIET_MS) / MS_PER_TICK);
    if (words[row + EspField.LastOut] < quietSince) this.takeBack(record, FLAG_OFFLOADED_OUT);
    if (words[row + EspField.LastIn] < quietSince) this.takeBack(record, FLAG_OFFLOADED_IN);
  }

  /** Bytes that passed and are not in the item's own count yet, out and in. */
  passing(record: number): LuaMultiReturn<[out: number, into: number]> {
    const state = this.esp.records.words[record * ESP_RECORD_WORDS + EspField.State];
    const isOut = (state & FLAG_OFFLOADED_OUT) !== 0 && this.selectOut(record).read();
    const isIn = (state & FLAG_OFFLOADED_IN) !== 0 && this.selectIn(record).read();
    return $multi(isOut ? this.out.bytes : 0, isIn ? this.into.bytes : 0);
  }

  /** Everything passes us again. */
  takeBackAll(): void {
    this.esp.forEach((record) => {
      this.takeBack(record, OFFLOADED_MASK);
    });
  }

  private putOut(record: number, hopRow: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const adjustment = headerAdjustment(words[row + EspField.Client], this.wanAddress);
    const [done, problem] = this.selectOut(record).put(this.wanAddress, adjustment, hopRow, 0);
    this.noteResult(row, FLAG_OFFLOADED_OUT, done, problem);
  }

  private putIn(record: number, hopRow: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const client = words[row + EspField.Client];
    const adjustment = headerAdjustment(this.wanAddress, client);
    const [done, problem] = this.selectIn(record).put(client, adjustment, hopRow, words[row + EspField.Sequence]);
    this.noteResult(row, FLAG_OFFLOADED_IN, done, problem);
  }

  private noteResult(row: number, flag: number, done: true | undefined, problem: string | undefined): void {
    this.refusal = problem;
    if (done === undefined) return;
    this.esp.records.words[row + EspField.State] |= flag;
    this.entries += 1;
  }

  private takeOut(record: number): void {
    this.entries -= 1;
    if (!this.selectOut(record).takeOut()) return;
    this.esp.records.bytes[record * 2] += this.out.bytes;
    this.note(record * ESP_RECORD_WORDS + EspField.LastOut, this.out.usedMs);
  }

  /** Each packet that passed had a number ahead of all before: that takes evidence of a collision away. */
  private takeIn(record: number): void {
    this.entries -= 1;
    if (!this.selectIn(record).takeOut()) return;
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const { packets, bytes, usedMs, sequence } = this.into;
    this.esp.records.bytes[record * 2 + 1] += bytes;
    this.note(row + EspField.LastIn, usedMs);
    words[row + EspField.Sequence] = sequence;
    const state = words[row + EspField.State];
    const evidence = Math.max(0, ((state & EVIDENCE_MASK) >> EVIDENCE_SHIFT) - packets);
    words[row + EspField.State] = (state & ~EVIDENCE_MASK) | (evidence << EVIDENCE_SHIFT);
  }

  private selectOut(record: number): EntryMap {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    this.out.select(words[row + EspField.Client], words[row + EspField.Server], words[row + EspField.OutSpi]);
    return this.out;
  }

  private selectIn(record: number): EntryMap {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    this.into.select(words[row + EspField.Server], this.wanAddress, words[row + EspField.InSpi]);
    return this.into;
  }

  /** The time of the last packet, if it is later than the one that is known. */
  private note(at: number, usedMs: number): void {
    const words = this.esp.records.words;
    words[at] = Math.max(words[at], Math.floor(usedMs / MS_PER_TICK));
  }
}
