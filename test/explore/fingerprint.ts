// SPDX-License-Identifier: GPL-2.0-only
// What tells two states of a world apart, as a number: everything that decides what can happen next, and nothing else.
//
// Times count from now, records are named by client and SPIs and not by their places, and what only rates, statistics
// or sweeping see (bytes, rate limiters, places of sweeps) is left out.

import { ESP_RECORD_WORDS, EspField } from "../../src/masquerade/esp-record";
import type { EspServer } from "../../src/masquerade/esp-server";
import { MS_PER_TICK } from "../../src/masquerade/esp-items";
import { unsigned } from "../../src/wire/word";
import type { Epoch, World } from "./world";

/** What of the tracker and its servers is nobody's business but the fingerprint's. */
interface TrackerInside {
  readonly relearnUntilMs: number;
  readonly unseenUntilMs: number;
}
interface ServerInside {
  readonly strays: LuaMap<number, number>;
}

/** Two multipliers that are prime, so that the two halves of a number are independent (53 bits together). */
const FIRST_PRIME = 16777619;
const SECOND_PRIME = 31;
const HALF = 0x4000000;

function flag(is: boolean): string {
  return is ? "1" : "0";
}

function epochText({ isUsed, isOwed, isHeard, sequence }: Epoch): string {
  return flag(isUsed) + flag(isOwed) + flag(isHeard) + string.char(sequence);
}

/** Relative to now; what is long over is all alike. */
function until(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? "-" : tostring(atMs - nowMs);
}

function recordText(world: World, record: number): string {
  const { esp } = world.router;
  const { words } = esp.records;
  const row = record * ESP_RECORD_WORDS;
  const nowTick = Math.floor(world.nowMs / MS_PER_TICK);
  const age = (field: EspField): number => nowTick - words[row + field];
  return string.format(
    "%x %x %x %x %x %d %d %d %d;",
    unsigned(words[row + EspField.Client]),
    words[row + EspField.OutSpi],
    words[row + EspField.InSpi],
    unsigned(words[row + EspField.State]),
    words[row + EspField.Sequence],
    age(EspField.Created),
    age(EspField.LastOut),
    age(EspField.LastIn),
    world.router.heldUnder(record),
  );
}

function serverText(world: World, server: EspServer): string {
  const { words } = world.router.esp.records;
  const nameOf = (record: number): string => {
    const row = record * ESP_RECORD_WORDS;
    return `${words[row + EspField.Client] & 0xff}.${words[row + EspField.OutSpi]}.${words[row + EspField.InSpi]}`;
  };
  const listText = (records: readonly number[]): string => records.map((record) => nameOf(record)).join(",");
  const strays: string[] = [];
  for (const [spi, seenMs] of (server as unknown as ServerInside).strays) strays.push(`${spi}:${world.nowMs - seenMs}`);
  const leftOut: number[] = [];
  for (const client of server.leftOut) leftOut.push(client);
  const turn = server.hasTurn() ? `${server.turnClient & 0xff} ${world.nowMs - server.turnSinceMs}` : "";
  const lists = [server.outstanding, server.waiting, server.serverFirst].map((records) => listText(records));
  return `${turn}|${lists.join("|")}|${strays.sort().join(",")}|${leftOut.sort().join(",")}`;
}

function ikeText(world: World): string {
  const sessions: string[] = [];
  world.router.ike.forEach(({ client, phase, negotiatedMs, accountedMs, lastOutMs, lastInMs }) => {
    const { nowMs } = world;
    const isAccounted = negotiatedMs === undefined || negotiatedMs <= accountedMs;
    const ages = `${nowMs - (negotiatedMs ?? 0)} ${flag(isAccounted)} ${nowMs - lastOutMs} ${nowMs - lastInMs}`;
    sessions.push(`${client & 0xff} ${phase} ${ages}`);
  });
  return sessions.sort().join(";");
}

function stateText(world: World): string {
  const { nowMs, router, waits, silences, restarts, crashes } = world;
  const { relearnUntilMs, unseenUntilMs } = router.esp as unknown as TrackerInside;
  const parts = [
    `${waits} ${silences} ${restarts} ${crashes} ${until(relearnUntilMs, nowMs)} ${until(unseenUntilMs, nowMs)}`,
  ];
  for (const { epochs } of world.clients) parts.push(epochs.map((epoch) => epochText(epoch)).join(","));
  const records: string[] = [];
  router.esp.forEach((record) => {
    records.push(recordText(world, record));
  });
  for (const record of records.sort()) parts.push(record);
  for (const [, server] of router.esp.servers) parts.push(serverText(world, server));
  parts.push(ikeText(world));
  return parts.join("/");
}

/** Two different states have one number in about 1 of 10¹⁵ pairs. */
export function fingerprint(world: World): number {
  const text = stateText(world);
  let first = 0;
  let second = 0;
  for (const at of $range(1, string.len(text))) {
    const byte = string.byte(text, at);
    first = (first ^ byte) * FIRST_PRIME;
    first = first & (HALF - 1);
    second = (second * SECOND_PRIME + byte) & (HALF - 1);
  }
  return first * HALF + second;
}
