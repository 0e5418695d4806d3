// SPDX-License-Identifier: GPL-2.0-only
// One ESP item as a document: what it is, on what evidence, and what happens to it next.

import {
  ESP_RECORD_WORDS,
  EspField,
  FLAG_COLLISION,
  FLAG_GUESS,
  FLAG_RESTORED,
  FLAG_SHARED,
  FLAG_UNSEEN,
  LEARNED_MASK,
  LEARNED_SHIFT,
  LEARNED_TEXTS,
  type Learned,
  NO_SPI,
  OFFLOADED_MASK,
  Phase,
  SENDS_MASK,
  SENDS_SHIFT,
} from "../../masquerade/esp-record";
import { formatAddress, formatSpi } from "../../wire/address";
import type { RouterState } from "../router-state";
import { formatDuration } from "../text/duration";
import { formatCount } from "../text/quantity";

export interface EspItem {
  readonly client: string;
  readonly server: string;
  readonly out_spi?: string | undefined;
  readonly in_spi?: string | undefined;
  readonly phase: string;
  /** More about it: "shared", "collision", "guessed", "restored", "older than our memory", "offloaded". */
  readonly marks: readonly string[];
  readonly evidence: string;
  readonly next: string;
  readonly age_ms: number;
  readonly idle_ms: number;
  readonly bytes_out: number;
  readonly bytes_in: number;
}

const MS_PER_TICK = 100;

const PHASES: Record<Phase, string> = {
  [Phase.Free]: "free",
  [Phase.Waiting]: "waiting",
  [Phase.Outstanding]: "outstanding",
  [Phase.Established]: "established",
};

const MARKS: readonly (readonly [number, string])[] = [
  [FLAG_COLLISION, "collision"],
  [FLAG_SHARED, "shared"],
  [FLAG_GUESS, "guessed"],
  [FLAG_RESTORED, "restored"],
  [FLAG_UNSEEN, "older than our memory"],
  [OFFLOADED_MASK, "offloaded"],
];

function spiText(spi: number): string | undefined {
  return spi === NO_SPI ? undefined : formatSpi(spi);
}

export function espItem(state: RouterState, record: number): EspItem {
  const { words, bytes } = state.esp.records;
  const row = record * ESP_RECORD_WORDS;
  const flags = words[row + EspField.State];
  const nowMs = state.nowMs();
  const lastMs = Math.max(words[row + EspField.LastOut], words[row + EspField.LastIn]) * MS_PER_TICK;
  const [passingOut, passingIn] = state.offloadedBytes(record);
  const learned: Learned = (flags & LEARNED_MASK) >> LEARNED_SHIFT;
  return {
    client: formatAddress(words[row + EspField.Client]),
    server: formatAddress(words[row + EspField.Server]),
    out_spi: spiText(words[row + EspField.OutSpi]),
    in_spi: spiText(words[row + EspField.InSpi]),
    phase: PHASES[state.esp.records.phase(record)],
    marks: MARKS.filter(([flag]) => (flags & flag) !== 0).map(([, mark]) => mark),
    evidence: LEARNED_TEXTS[learned],
    next: nextStep(state, record, lastMs),
    age_ms: Math.max(0, nowMs - words[row + EspField.Created] * MS_PER_TICK),
    idle_ms: Math.max(0, nowMs - lastMs),
    bytes_out: bytes[record * 2] + passingOut,
    bytes_in: bytes[record * 2 + 1] + passingIn,
  };
}

function nextStep(state: RouterState, record: number, lastMs: number): string {
  const row = record * ESP_RECORD_WORDS;
  const words = state.esp.records.words;
  const flags = words[row + EspField.State];
  const phase = state.esp.records.phase(record);
  if (phase === Phase.Waiting) return nextOfWaiting(state, record);
  if (phase === Phase.Outstanding) return nextOfOutstanding(state, record);
  const { espIdleMs, espUnconfirmedIdleMs } = state.config.limits;
  const isPaired = words[row + EspField.OutSpi] !== NO_SPI;
  const leftMs = lastMs + (isPaired ? espIdleMs : espUnconfirmedIdleMs) - state.nowMs();
  const forgotten = `forgotten in ${formatDuration(leftMs)} without traffic`;
  if ((flags & FLAG_COLLISION) !== 0) return `all owners get copies until one of them rekeys; ${forgotten}`;
  if ((flags & FLAG_SHARED) !== 0) return `all possible owners get copies; ${forgotten}`;
  if (!isPaired) return `paired with the client's next new SPI; ${forgotten}`;
  if ((flags & FLAG_RESTORED) !== 0) return `confirmed by the next packet from the server; ${forgotten}`;
  return forgotten;
}

function nextOfWaiting(state: RouterState, record: number): string {
  const server = state.esp.servers.get(state.esp.records.words[record * ESP_RECORD_WORDS + EspField.Server]);
  const endsMs = server === undefined ? undefined : state.esp.turnEndsMs(server);
  if (server === undefined || endsMs === undefined) return "its packets go on in a moment";
  const place = server.waiting.indexOf(record) + 1;
  const turn = `${formatAddress(server.turnClient)} has the turn for ${formatDuration(endsMs - state.nowMs())} at most`;
  return `its packets are held: place ${place} of ${server.waiting.length}; ${turn}`;
}

function nextOfOutstanding(state: RouterState, record: number): string {
  const row = record * ESP_RECORD_WORDS;
  const words = state.esp.records.words;
  const server = state.esp.servers.get(words[row + EspField.Server]);
  const endsMs = server === undefined ? undefined : state.esp.turnEndsMs(server);
  if (server === undefined || endsMs === undefined) return "waits for the server's first packet";
  if (server.waiting.length === 0) return "waits for the server's first packet; nobody else waits for it";
  const sends = (words[row + EspField.State] & SENDS_MASK) >> SENDS_SHIFT;
  const left = Math.max(0, state.config.limits.espOutstandingSendsMax - sends);
  const waiting = formatCount(server.waiting.length, "other");
  const end = formatDuration(endsMs - state.nowMs());
  return `${waiting} waiting: ${formatCount(left, "more packet")} may go; given up in ${end}`;
}
