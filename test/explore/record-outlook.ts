// SPDX-License-Identifier: GPL-2.0-only
// Of an ESP record, what can still decide anything: two records that differ in the rest only are treated alike for ever.

import { DOUBT_MS } from "../../src/masquerade/esp-doubts";
import { MS_PER_TICK } from "../../src/masquerade/esp-items";
import {
  ESP_RECORD_WORDS,
  EspField,
  FLAG_RESTORED,
  LEARNED_MASK,
  NO_SPI,
  Phase,
} from "../../src/masquerade/esp-record";
import { HELD_MS } from "../spec/masquerade/tracked-router";
import type { HalfSipHash } from "./half-sip-hash";
import { timeLeft } from "./time-left";
import { FIRST_CLIENT, FIRST_IN_SPI, FIRST_OUT_SPI, LIMITS, SERVER, SPIS_OF_CLIENT, type World } from "./world";

/**
 * How an SPI was learned is for people; and "restored" ends with the next packet, which passes as all do whose number is
 * higher than the last.
 */
const STATE_MATTERS = ~(LEARNED_MASK | FLAG_RESTORED);
/** At the end of a turn, what was last sent more than so many ticks before is forgotten. */
const TURN_TICKS = LIMITS.espOutstandingMs / MS_PER_TICK;
/** An epoch is in use for so many ticks after a packet came in on it (IN_USE_MS of esp-doubts). */
const IN_USE_TICKS = 10;
/** An SPI that was opened so long before the end of a negotiation belongs to it (EXCHANGE_MS of esp-turns). */
const EXCHANGE_TICKS = 5;

/** The client that an incoming SPI is of, by its number; of a collided one, the first of the two. */
export function holderOf(inSpi: number): number {
  return Math.floor((inSpi - FIRST_IN_SPI) / SPIS_OF_CLIENT);
}

/** Counted from 1; 0: there is no SPI. */
function epochOf(spi: number, firstSpi: number): number {
  return spi === NO_SPI ? 0 : ((spi - firstSpi) & (SPIS_OF_CLIENT - 1)) + 1;
}

export class RecordOutlook {
  private readonly nowTick: number;
  /** What came in up to so many ticks ago may be found to be an answer, or tells that an epoch is in use. */
  private readonly heardTicks: number;

  constructor(private readonly world: World) {
    const { esp, nowMs } = world.router;
    this.nowTick = Math.floor(nowMs / MS_PER_TICK);
    let oldest = IN_USE_TICKS;
    for (const record of $range(0, esp.records.highWater() - 1)) {
      const phase = esp.records.phase(record);
      const isUnanswered = phase === Phase.Waiting || phase === Phase.Outstanding;
      if (isUnanswered) oldest = Math.max(oldest, this.age(record, EspField.Created));
    }
    this.heardTicks = oldest;
  }

  /** Whether its incoming SPI is another client's. Of a collided one this is left open: it has a name of its own. */
  isForeign(record: number): boolean {
    const inSpi = this.field(record, EspField.InSpi);
    if (inSpi === NO_SPI || this.isCollided(inSpi)) return false;
    return holderOf(inSpi) !== this.field(record, EspField.Client) - FIRST_CLIENT;
  }

  /**
   * Adds a record to a hash, all but the name of another client.
   * @param place in the list that it is in, among those of its client
   */
  add(record: number, place: number, hash: HalfSipHash): void {
    const { nowMs } = this.world.router;
    const [outSpi, inSpi] = [this.field(record, EspField.OutSpi), this.field(record, EspField.InSpi)];
    const isCollided = this.isCollided(inSpi);
    const relation = (this.isForeign(record) ? 1 : 0) | (isCollided ? 2 : 0);
    const epochs = (epochOf(outSpi, FIRST_OUT_SPI) << 8) | epochOf(inSpi, FIRST_IN_SPI);
    hash.add(this.field(record, EspField.State) & STATE_MATTERS);
    hash.add((place << 24) | (relation << 16) | epochs);
    // On an SPI of one epoch, every number is higher than all before it.
    if (isCollided) hash.add((this.ownersBefore(record) << 24) | this.field(record, EspField.Sequence));
    if (inSpi === NO_SPI) this.addUnanswered(record, hash);
    else this.addAnswered(record, hash);
    const idleMs = outSpi === NO_SPI ? LIMITS.espUnconfirmedIdleMs : LIMITS.espIdleMs;
    const lastUse = Math.max(this.field(record, EspField.LastOut), this.field(record, EspField.LastIn));
    hash.add(timeLeft(lastUse * MS_PER_TICK + idleMs, nowMs));
    this.addHeld(record, hash);
  }

  private addUnanswered(record: number, hash: HalfSipHash): void {
    hash.add(this.age(record, EspField.Created));
    hash.add(Math.min(this.age(record, EspField.LastOut), TURN_TICKS + 1));
  }

  private addAnswered(record: number, hash: HalfSipHash): void {
    const { nowMs, ike } = this.world.router;
    // What is published asks neither when a packet came nor who opened an SPI.
    if (this.world.rules.algorithm === "published") return;
    hash.add(Math.min(this.age(record, EspField.LastIn), this.heardTicks + 1));
    const created = this.field(record, EspField.Created);
    hash.add(timeLeft(created * MS_PER_TICK + DOUBT_MS, nowMs));
    if (this.field(record, EspField.OutSpi) !== NO_SPI) return;
    const negotiatedMs = ike.negotiatedMs(this.field(record, EspField.Client), SERVER) ?? 0;
    hash.add(created >= Math.floor(negotiatedMs / MS_PER_TICK) - EXCHANGE_TICKS ? 1 : 0);
    hash.add(Math.min(this.age(record, EspField.Created), EXCHANGE_TICKS + 1));
  }

  private addHeld(record: number, hash: HalfSipHash): void {
    const { router } = this.world;
    const sinceMs = router.heldSinceMs(record);
    if (sinceMs === undefined) return;
    hash.add(router.heldUnder(record));
    hash.add(timeLeft(sinceMs + HELD_MS, router.nowMs));
  }

  private isCollided(inSpi: number): boolean {
    return this.world.rules.collision && inSpi === FIRST_IN_SPI;
  }

  /** Look-ups find the owner in the first row; its numbers count. */
  private ownersBefore(record: number): number {
    let owners = 0;
    for (const other of $range(0, record - 1)) {
      if (this.field(other, EspField.InSpi) === this.field(record, EspField.InSpi)) owners += 1;
    }
    return owners;
  }

  private field(record: number, field: EspField): number {
    return this.world.router.esp.records.words[record * ESP_RECORD_WORDS + field];
  }

  private age(record: number, field: EspField): number {
    return this.nowTick - this.field(record, field);
  }
}
