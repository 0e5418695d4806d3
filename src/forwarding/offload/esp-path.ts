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
import { Protocol } from "../../wire/ipv4";
import { headerAdjustment } from "./adjustment";
import { type Course, QUIET_MS } from "./course";
import type { EntryMap } from "./entry-map";

/** Directions that nothing speaks against, as flags. Pure. */
export function offerable(state: number, outSpi: number, inSpi: number): number {
  const isEstablished = (state & 3) === Phase.Established;
  if (!isEstablished) return 0;
  const isInCertain = inSpi !== NO_SPI && (state & (FLAG_SHARED | FLAG_RESTORED)) === 0;
  const directions = (outSpi !== NO_SPI ? FLAG_OFFLOADED_OUT : 0) | (isInCertain ? FLAG_OFFLOADED_IN : 0);
  return directions & ~state;
}

export class EspPath implements EspFastPath {
  /** @param wanAddress the clients' shared address, a word */
  constructor(
    private readonly esp: EspTracker,
    private readonly out: Course,
    private readonly into: Course,
    private readonly wanAddress: number,
  ) {}

  count(): number {
    return this.esp.records.highWater();
  }

  /** An item's packet passed us and went on: whatever can be, is forwarded by the kernel from now on. */
  place(record: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    if ((state & FLAG_OFFLOADED_OUT) !== 0 && this.out.isStranded(this.selectOut(record))) {
      this.takeBack(record, FLAG_OFFLOADED_OUT);
    }
    if ((state & FLAG_OFFLOADED_IN) !== 0 && this.into.isStranded(this.selectIn(record))) {
      this.takeBack(record, FLAG_OFFLOADED_IN);
    }
    const directions = offerable(
      words[row + EspField.State],
      words[row + EspField.OutSpi],
      words[row + EspField.InSpi],
    );
    if ((directions & FLAG_OFFLOADED_OUT) !== 0) this.putOut(record);
    if ((directions & FLAG_OFFLOADED_IN) !== 0) this.putIn(record);
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
      this.note(row + EspField.LastOut, this.out.entries.usedMs);
    }
    if ((state & FLAG_OFFLOADED_IN) !== 0 && this.selectIn(record).read()) {
      this.note(row + EspField.LastIn, this.into.entries.usedMs);
      words[row + EspField.Sequence] = this.into.entries.sequence;
    }
  }

  /** Brings an item up to date and takes back what has been quiet. */
  visit(record: number, nowMs: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const state = words[row + EspField.State];
    if ((state & OFFLOADED_MASK) === 0) return;
    this.refresh(record);
    const quietSince = Math.floor((nowMs - QUIET_MS) / MS_PER_TICK);
    if ((state & FLAG_OFFLOADED_OUT) !== 0) {
      if (words[row + EspField.LastOut] < quietSince) this.takeBack(record, FLAG_OFFLOADED_OUT);
      else this.out.markInUse();
    }
    if ((state & FLAG_OFFLOADED_IN) !== 0) {
      if (words[row + EspField.LastIn] < quietSince) this.takeBack(record, FLAG_OFFLOADED_IN);
      else this.into.markInUse();
    }
  }

  /** Bytes that passed and are not in the item's own count yet, out and in. */
  passing(record: number): LuaMultiReturn<[out: number, into: number]> {
    const state = this.esp.records.words[record * ESP_RECORD_WORDS + EspField.State];
    const isOut = (state & FLAG_OFFLOADED_OUT) !== 0 && this.selectOut(record).read();
    const isIn = (state & FLAG_OFFLOADED_IN) !== 0 && this.selectIn(record).read();
    return $multi(isOut ? this.out.entries.bytes : 0, isIn ? this.into.entries.bytes : 0);
  }

  /** Everything passes us again. */
  takeBackAll(): void {
    this.esp.forEach((record) => {
      this.takeBack(record, OFFLOADED_MASK);
    });
  }

  private putOut(record: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const hopRow = this.out.hopRow(words[row + EspField.Server]);
    if (hopRow === undefined) return;
    const adjustment = headerAdjustment(words[row + EspField.Client], this.wanAddress);
    const isPut = this.selectOut(record).putTunnel(this.wanAddress, hopRow, adjustment, 0);
    if (isPut) words[row + EspField.State] |= FLAG_OFFLOADED_OUT;
  }

  private putIn(record: number): void {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const client = words[row + EspField.Client];
    const hopRow = this.into.hopRow(client);
    if (hopRow === undefined) return;
    const adjustment = headerAdjustment(this.wanAddress, client);
    const isPut = this.selectIn(record).putTunnel(client, hopRow, adjustment, words[row + EspField.Sequence]);
    if (isPut) words[row + EspField.State] |= FLAG_OFFLOADED_IN;
  }

  private takeOut(record: number): void {
    const entries = this.selectOut(record);
    if (!entries.takeOut()) return;
    this.esp.records.bytes[record * 2] += entries.bytes;
    this.note(record * ESP_RECORD_WORDS + EspField.LastOut, entries.usedMs);
  }

  /** Each packet that passed had a number ahead of all before: that takes evidence of a collision away. */
  private takeIn(record: number): void {
    const entries = this.selectIn(record);
    if (!entries.takeOut()) return;
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const { packets, bytes, usedMs, sequence } = entries;
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
    const { entries } = this.out;
    entries.select(
      Protocol.Esp,
      words[row + EspField.Client],
      words[row + EspField.Server],
      words[row + EspField.OutSpi],
    );
    return entries;
  }

  private selectIn(record: number): EntryMap {
    const words = this.esp.records.words;
    const row = record * ESP_RECORD_WORDS;
    const { entries } = this.into;
    entries.select(Protocol.Esp, words[row + EspField.Server], this.wanAddress, words[row + EspField.InSpi]);
    return entries;
  }

  /** The time of the last packet, if it is later than the one that is known. */
  private note(at: number, usedMs: number): void {
    const words = this.esp.records.words;
    words[at] = Math.max(words[at], Math.floor(usedMs / MS_PER_TICK));
  }
}
