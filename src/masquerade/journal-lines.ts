// SPDX-License-Identifier: GPL-2.0-only
// Between the trackers and the lines of a snapshot: what is written of them, and how they are filled from it.
//
// Where the lines are kept, and when they are written, is the caller's business.

import type { EspTracker } from "./esp";
import { MS_PER_TICK } from "./esp-items";
import { ESP_RECORD_WORDS, EspField, NO_SPI } from "./esp-record";
import type { IkeSession, IkeTracker } from "./ike";
import type { EspMemory, Snapshot, SnapshotWriter } from "./snapshot";

function espLine(writer: SnapshotWriter, esp: EspTracker, record: number): string {
  const words = esp.records.words;
  const row = record * ESP_RECORD_WORDS;
  return writer.esp({
    client: words[row + EspField.Client],
    server: words[row + EspField.Server],
    outSpi: words[row + EspField.OutSpi],
    inSpi: words[row + EspField.InSpi],
    sequence: words[row + EspField.Sequence],
    lastMs: Math.max(words[row + EspField.LastOut], words[row + EspField.LastIn]) * MS_PER_TICK,
  });
}

function ikeLine(writer: SnapshotWriter, session: IkeSession): string {
  return writer.ike({ ...session, lastMs: Math.max(session.lastOutMs, session.lastInMs) });
}

function hasInSpi(esp: EspTracker, record: number): boolean {
  return esp.records.words[record * ESP_RECORD_WORDS + EspField.InSpi] !== NO_SPI;
}

/** A line for each item and session that is worth remembering. */
export function linesOf(writer: SnapshotWriter, esp: EspTracker, ike: IkeTracker): string[] {
  const lines: string[] = [];
  esp.forEach((record) => {
    if (hasInSpi(esp, record)) lines.push(espLine(writer, esp, record));
  });
  ike.forEach((session) => {
    if (session.phase === "established") lines.push(ikeLine(writer, session));
  });
  return lines;
}

/** How much the trackers learned or forgot since {@link clearNews}. */
export function newsCount(esp: EspTracker, ike: IkeTracker): number {
  return esp.learned.length + esp.forgotten.length + ike.learned.length + ike.forgotten.length;
}

/** Lines for that. What was forgotten comes first: a row or session may have been taken up again since. */
export function newsOf(writer: SnapshotWriter, esp: EspTracker, ike: IkeTracker): string {
  const lines: string[] = [];
  for (const { client, server, inSpi } of esp.forgotten) lines.push(writer.espGone(client, server, inSpi));
  for (const session of ike.forgotten) lines.push(writer.ikeGone(session));
  for (const record of esp.learned) if (hasInSpi(esp, record)) lines.push(espLine(writer, esp, record));
  for (const session of ike.learned) {
    if (!ike.forgotten.includes(session)) lines.push(ikeLine(writer, session));
  }
  return lines.join("");
}

export function clearNews(esp: EspTracker, ike: IkeTracker): void {
  esp.learned = [];
  esp.forgotten = [];
  ike.learned = [];
  ike.forgotten = [];
}

/**
 * The first owner of each incoming SPI, then the others: an SPI has eight places in the look-up, and owners that fill
 * them must not come before a neighbour that needs one of those.
 */
function firstOwnersFirst(items: readonly EspMemory[]): EspMemory[] {
  const first: EspMemory[] = [];
  const others: EspMemory[] = [];
  const owned = new LuaSet<string>();
  for (const item of items) {
    const spi = `${item.server} ${item.inSpi}`;
    (owned.has(spi) ? others : first).push(item);
    owned.add(spi);
  }
  return [...first, ...others];
}

/** Fills the trackers; the number of items and sessions that found no room, or were there twice. */
export function restoreItems(snapshot: Snapshot, esp: EspTracker, ike: IkeTracker, nowMs: number): number {
  let refused = 0;
  for (const { lastMs, ...session } of snapshot.ike) {
    const known = { phase: "established", lastOutMs: lastMs, lastInMs: lastMs, packetsOut: 0, packetsIn: 0 } as const;
    if (!ike.restore({ ...session, ...known, origin: "restored from the snapshot" })) refused += 1;
  }
  for (const { client, server, outSpi, inSpi, sequence } of firstOwnersFirst(snapshot.esp)) {
    if (!esp.restore(client, server, outSpi, inSpi, sequence, nowMs)) refused += 1;
  }
  return refused;
}
