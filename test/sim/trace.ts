// SPDX-License-Identifier: GPL-2.0-only
// What happened in a run, for a person: a sequence diagram of the clients, the router and the servers, in 80 columns.

import { clientNumber, serverNumber } from "./addresses";
import type { Packet } from "./packet";
import { unsigned } from "../../src/wire/word";

/** One line of a trace: an arrow, or a note. */
export interface TraceEntry {
  readonly atMs: number;
  /** The client whose line it is; undefined: everybody's. */
  readonly client: number | undefined;
  readonly arrow: string;
  readonly text: string;
}

/** The last so many lines are kept: an outage's beginning, its end and what led there. */
const ENTRIES_MAX = 4000;
const WIDTH = 80;

export class Trace {
  entries: TraceEntry[] = [];

  add(entry: TraceEntry): void {
    this.entries.push(entry);
    if (this.entries.length > 2 * ENTRIES_MAX) this.entries = this.entries.slice(ENTRIES_MAX);
  }
}

/** What of a packet tells it from others. */
export function packetText(packet: Packet): string {
  if (packet.kind === "esp") {
    const spi = string.format("%08x", unsigned(packet.spi));
    return `ESP ${spi} #${packet.sequence} ${packet.load}`;
  }
  const { message, version, cookies } = packet;
  const cookie = string.format("%08x", unsigned(cookies.initiatorLow));
  return `IKEv${version} ${cookie} ${message.exchange} ${message.step}`;
}

/** C2 ──▶ R, R ──▶ S1, … by the packet's addresses. @param isLan on the client's side of the router */
export function arrowOf(packet: Packet, isLan: boolean, isOutward: boolean): string {
  const client = clientNumber(isOutward ? packet.source : packet.destination);
  const server = serverNumber(isOutward ? packet.destination : packet.source);
  const inner = isLan ? `C${client ?? "?"}` : "R";
  const outer = isLan ? "R" : `S${server ?? "?"}`;
  return isOutward ? `${inner} → ${outer}` : `${inner} ← ${outer}`;
}

/** Lines that concern these clients, or everybody, up to so many; what is left out is said. */
export function diagram(entries: readonly TraceEntry[], clients: readonly number[], linesMax: number): string {
  const wanted = entries.filter(({ client }) => client === undefined || clients.includes(client));
  const shown = wanted.slice(Math.max(0, wanted.length - linesMax));
  const lines = shown.map(({ atMs, arrow, text }) => {
    // An arrow is three bytes and one column.
    const line = string.format("%9.3f s  %-10s %s", atMs / 1000, arrow, text);
    return string.sub(line, 1, WIDTH);
  });
  if (shown.length < wanted.length) lines.unshift(`(the last ${shown.length} of ${wanted.length} lines)`);
  return lines.join("\n");
}
