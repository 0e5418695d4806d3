// SPDX-License-Identifier: GPL-2.0-only
// Of a client, its epochs and what IKE knows of it, what can still decide anything.

import type { IkeSession } from "../../src/masquerade/ike";
import { ESP_RECORD_WORDS, EspField, Phase } from "../../src/masquerade/esp-record";
import type { HalfSipHash } from "./half-sip-hash";
import { timeLeft } from "./time-left";
import { type Client, type Epoch, FIRST_IN_SPI, LIMITS, SERVER, type World } from "./world";

/** What follows a state: all that is possible, or only the future in which nothing goes wrong. */
export type Purpose = "everything" | "future";

/** Unclaimed SPIs are remembered for so long (STRAY_MS of esp). */
const STRAY_MS = 30_000;

const NOT_WAITING = -1;

interface ServerInside {
  readonly strays: LuaMap<number, number>;
}

interface IkeInside {
  readonly byServer: LuaMap<number, IkeSession[]>;
}

/** Whether a packet of an epoch may still leave, held until now. */
function isHeld({ router }: World, { outSpi }: Epoch): boolean {
  const { records } = router.esp;
  for (const record of $range(0, records.highWater() - 1)) {
    const isIts = records.words[record * ESP_RECORD_WORDS + EspField.OutSpi] === outSpi;
    if (isIts && records.phase(record) !== Phase.Free && router.heldUnder(record) > 0) return true;
  }
  return false;
}

function bit(is: boolean): number {
  return is ? 1 : 0;
}

/** The newest epoch is what the client sends on. */
function newestBits({ rules }: World, epoch: Epoch, purpose: Purpose): number {
  const known = (bit(epoch.isOwed) << 1) | bit(epoch.isHeard);
  if (purpose === "future") return known;
  // A server that waits asks for whether it has heard the client; one that speaks first does not.
  return (epoch.sequence << 3) | (bit(!rules.serverFirst && epoch.isUsed) << 2) | known;
}

/** On older ones the server answers only, if it owes an answer or may come to. */
function olderBits(world: World, epoch: Epoch, purpose: Purpose): number {
  if (!epoch.isOwed && !isHeld(world, epoch)) return 0;
  return ((purpose === "future" ? 0 : epoch.sequence) << 3) | (bit(epoch.isOwed) << 1) | 1;
}

function addEpochs(world: World, { epochs }: Client, purpose: Purpose, hash: HalfSipHash): void {
  const { router, rules } = world;
  const server = router.esp.servers.get(SERVER) as unknown as ServerInside | undefined;
  hash.add(epochs.length);
  for (const at of $range(0, epochs.length - 1)) {
    const epoch = epochs[at];
    const isNewest = at === epochs.length - 1;
    hash.add(isNewest ? newestBits(world, epoch, purpose) : olderBits(world, epoch, purpose));
    // Numbers matter where two epochs have one SPI: there they run in two series.
    if (rules.collision && epoch.inSpi === FIRST_IN_SPI) hash.add(0x100 | epoch.sequence);
    const strayMs = server?.strays.get(epoch.inSpi);
    hash.add(strayMs === undefined ? -1 : timeLeft(strayMs + STRAY_MS, router.nowMs));
  }
}

function addIke(world: World, { address }: Client, purpose: Purpose, hash: HalfSipHash): void {
  const { ike, nowMs } = world.router;
  // A snapshot tells when something was negotiated, not whether that is accounted for.
  const mayRestart = purpose === "everything" && world.restarts < world.rules.restarts;
  const sessions = (ike as unknown as IkeInside).byServer.get(SERVER) ?? [];
  for (const session of sessions) {
    if (session.client !== address) continue;
    // Possible owners are made in this order, and of those of one SPI the first is asked for what they share.
    if (world.rules.collision) hash.add(sessions.indexOf(session));
    const { negotiatedMs = 0, accountedMs, lastOutMs, lastInMs } = session;
    const lastMs = Math.max(lastOutMs, lastInMs);
    const isAccounted = negotiatedMs <= accountedMs;
    // What is negotiated at the very time of an account is taken for accounted.
    hash.add(isAccounted ? (accountedMs === nowMs ? 2 : 1) : 0);
    if (!isAccounted || mayRestart) hash.add(timeLeft(negotiatedMs + LIMITS.negotiationMs, nowMs));
    hash.add(timeLeft(lastMs + LIMITS.ikeRecentMs, nowMs));
    hash.add(timeLeft(lastMs + LIMITS.ikeIdleMs, nowMs));
  }
}

/** Clients whose turn comes before that of one who waits; all of a client's items wait for one turn. */
function clientsBefore({ router }: World, waiting: readonly number[], address: number): number {
  const before: number[] = [];
  for (const record of waiting) {
    const client = router.esp.records.words[record * ESP_RECORD_WORDS + EspField.Client];
    if (client === address) return before.length;
    if (!before.includes(client)) before.push(client);
  }
  return NOT_WAITING;
}

function addTurn(world: World, { address }: Client, hash: HalfSipHash): void {
  const server = world.router.esp.servers.get(SERVER);
  if (server === undefined) return;
  const isTheirs = server.hasTurn() && server.turnClient === address;
  hash.add(
    (clientsBefore(world, server.waiting, address) << 2) | (bit(isTheirs) << 1) | bit(server.leftOut.has(address)),
  );
}

/** Adds a client to a hash, all but its records. */
export function addClient(world: World, client: Client, purpose: Purpose, hash: HalfSipHash): void {
  // The two with one SPI are not like a third one.
  hash.add(bit(world.rules.collision && client.number < 2));
  addTurn(world, client, hash);
  addEpochs(world, client, purpose, hash);
  addIke(world, client, purpose, hash);
  if (purpose === "future") hash.add((client.steadyRounds << 16) | client.silentRounds);
}
