// SPDX-License-Identifier: GPL-2.0-only
// What tells two states of a world apart, as two words: everything that decides what can happen next, and nothing else.
//
// - Clients are alike: a state and the same with clients exchanged have one fingerprint. Each client's part is hashed by
//   itself, in terms of "own" and "another's". The order of these hashes is the order of the clients, and what names a
//   client names it by its place there.
// - Records are a set: their hashes are added, so it does not matter in which rows they are.
// - Times count from now, and only as far as any timer asks (time-left, record-outlook).
// - Packets and epochs that cannot matter any more are left out (client-outlook).
// - What the table keeps for a crowd of clients is left out: a crowd has more clients than any world here.
//
// Two states with one fingerprint are taken for one. Of a million states any two different ones are with a probability
// of 3 · 10⁻⁸, of a hundred million with 3 · 10⁻⁴. The specs compare what follows from states of one fingerprint.

import { ESP_RECORD_WORDS, EspField, Phase } from "../../src/masquerade/esp-record";
import type { EspServer } from "../../src/masquerade/esp-server";
import { toWord } from "../../src/wire/word";
import { addClient, type Purpose } from "./client-outlook";
import { HalfSipHash } from "./half-sip-hash";
import { holderOf, RecordOutlook } from "./record-outlook";
import { timeLeft } from "./time-left";
import { type Client, FIRST_CLIENT, LIMITS, SERVER, type World } from "./world";

/** What of the tracker is nobody's business but the fingerprint's. */
interface TrackerInside {
  readonly relearnUntilMs: number;
  readonly unseenUntilMs: number;
  readonly oldTurnsUntilMs: number;
}

/** A client's part: its hash, and the sum of those of its records. */
interface Part {
  high: number;
  low: number;
  recordsHigh: number;
  recordsLow: number;
}

export interface Fingerprint {
  readonly high: number;
  readonly low: number;
  /** The clients in the order that does not depend on their numbers. */
  readonly clients: readonly Client[];
}

const hash = new HalfSipHash();

/** The place of a record among those of its client in the list that it is in. */
function placeOf(world: World, server: EspServer | undefined, record: number): number {
  if (server === undefined) return 0;
  const { words } = world.router.esp.records;
  const client = words[record * ESP_RECORD_WORDS + EspField.Client];
  const phase = world.router.esp.records.phase(record);
  const unanswered = phase === Phase.Waiting ? server.waiting : server.outstanding;
  let place = 0;
  for (const other of phase === Phase.Established ? server.serverFirst : unanswered) {
    if (words[other * ESP_RECORD_WORDS + EspField.Client] === client) place += 1;
    if (other === record) return place;
  }
  return 0;
}

/** The hashes of each client's part; and of records with another client's SPI, those that name both. */
class Parts {
  readonly of: Part[] = [];
  private readonly foreign: { record: number; high: number; low: number }[] = [];

  constructor(
    private readonly world: World,
    purpose: Purpose,
  ) {
    for (const _ of world.clients) this.of.push({ high: 0, low: 0, recordsHigh: 0, recordsLow: 0 });
    this.addRecords();
    for (const client of world.clients) {
      const part = this.of[client.number];
      hash.start();
      hash.add(part.recordsHigh);
      hash.add(part.recordsLow);
      addClient(world, client, purpose, hash);
      hash.finish();
      part.high = hash.high;
      part.low = hash.low;
    }
  }

  private addRecords(): void {
    const { world } = this;
    const { esp } = world.router;
    const server = esp.servers.get(SERVER);
    const outlook = new RecordOutlook(world);
    for (const record of $range(0, esp.records.highWater() - 1)) {
      if (esp.records.phase(record) === Phase.Free) continue;
      hash.start();
      outlook.add(record, placeOf(world, server, record), hash);
      hash.finish();
      const { high, low } = hash;
      const part = this.of[esp.records.words[record * ESP_RECORD_WORDS + EspField.Client] - FIRST_CLIENT];
      part.recordsHigh = toWord(part.recordsHigh + high);
      part.recordsLow = toWord(part.recordsLow + low);
      if (outlook.isForeign(record)) this.foreign.push({ record, high, low });
    }
  }

  isBefore(one: Client, other: Client): boolean {
    const [ours, theirs] = [this.of[one.number], this.of[other.number]];
    return ours.high < theirs.high || (ours.high === theirs.high && ours.low < theirs.low);
  }

  /** Who has whose SPI. @param rankOf a client's place in the order, by its number */
  addForeign(rankOf: readonly number[]): void {
    let [sumHigh, sumLow] = [0, 0];
    const { words } = this.world.router.esp.records;
    for (const { record, high, low } of this.foreign) {
      const row = record * ESP_RECORD_WORDS;
      hash.start();
      hash.add(high);
      hash.add(low);
      hash.add(rankOf[words[row + EspField.Client] - FIRST_CLIENT]);
      hash.add(rankOf[holderOf(words[row + EspField.InSpi])]);
      hash.finish();
      sumHigh = toWord(sumHigh + hash.high);
      sumLow = toWord(sumLow + hash.low);
    }
    hash.start();
    hash.add(sumHigh);
    hash.add(sumLow);
  }
}

function addRouter(world: World, purpose: Purpose): void {
  const { nowMs, esp } = world.router;
  const { relearnUntilMs, unseenUntilMs, oldTurnsUntilMs } = esp as unknown as TrackerInside;
  // The time after relearning in which an answer may be to an unseen epoch.
  hash.add(timeLeft(relearnUntilMs + LIMITS.espOutstandingMs, nowMs));
  hash.add(timeLeft(unseenUntilMs, nowMs));
  hash.add(timeLeft(oldTurnsUntilMs, nowMs));
  const server = esp.servers.get(SERVER);
  hash.add(server?.hasTurn() === true ? nowMs - server.turnSinceMs : -1);
  if (purpose === "future") return;
  hash.add((world.waits << 24) | (world.silences << 16) | (world.restarts << 8) | world.crashes);
}

/** @param purpose what follows the state: all that is possible, or only the future that is tried */
export function fingerprint(world: World, purpose: Purpose = "everything"): Fingerprint {
  const parts = new Parts(world, purpose);
  const clients = [...world.clients];
  clients.sort((one, other) => (parts.isBefore(one, other) ? -1 : 1));
  const rankOf = world.clients.map((client) => clients.indexOf(client));
  parts.addForeign(rankOf);
  for (const { number } of clients) {
    hash.add(parts.of[number].high);
    hash.add(parts.of[number].low);
  }
  addRouter(world, purpose);
  hash.finish();
  return { high: hash.high, low: hash.low, clients };
}
