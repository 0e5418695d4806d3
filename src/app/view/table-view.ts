// SPDX-License-Identifier: GPL-2.0-only
// The tables as a person reads them: a paragraph for each client and server, as `wg show` has one for each peer.

import type { EspItem } from "../report/esp-report";
import type { FlowItem } from "../report/flow-report";
import type { IkeItem } from "../report/ike-report";
import type { TableReport } from "../report/table-report";
import { formatDuration } from "../text/duration";
import { hang, layoutRows, pad } from "../text/layout";
import { formatBytes, formatRate } from "../text/quantity";
import { heading } from "./style";

/** "established (shared)": what an item is. */
export function phaseText({ phase, marks }: EspItem | IkeItem): string {
  return marks.length === 0 ? phase : `${phase} (${marks.join(", ")})`;
}

/** The left part of an item's lines, and what stands at its right. */
function beside(left: readonly string[], right: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const [index, text] of right.entries()) lines.push(...hang(left[index] ?? "", text, columns));
  return lines;
}

function story(item: EspItem | IkeItem): string[] {
  const about = [`${phaseText(item)}, ${formatDuration(item.age_ms)} old`, item.evidence];
  return [...about, item.phase === "established" ? `last packet ${formatDuration(item.idle_ms)} ago` : item.next];
}

// ESP

const ESP_COLUMNS = 47;

function espKey({ client, server, out_spi, in_spi }: EspItem): string {
  return `${client} ${server} ${out_spi ?? ""} ${in_spi ?? ""}`;
}

/** Bytes a second since an earlier report, by item; nothing for items that are new. */
export class Rates {
  private readonly before = new LuaMap<string, EspItem>();
  private readonly seconds: number;

  constructor(earlier: TableReport | undefined, nowMs: number) {
    for (const item of (earlier?.items ?? []) as EspItem[]) this.before.set(espKey(item), item);
    this.seconds = (nowMs - (earlier?.now_ms ?? nowMs)) / 1000;
  }

  of(item: EspItem, way: "bytes_out" | "bytes_in"): string {
    const before = this.before.get(espKey(item));
    return formatRate(before === undefined ? undefined : (item[way] - before[way]) / this.seconds);
  }
}

function wayText(way: string, spi: string | undefined, bytes: number, rate: string): string {
  return `  ${pad(way, 3, "left")}  ${pad(spi ?? "unknown", 10, "left")}  ${pad(formatBytes(bytes), 11, "right")}  ${pad(rate, 13, "right")}`;
}

function espLines(item: EspItem, rates: Rates): string[] {
  const left = [
    wayText("out", item.out_spi, item.bytes_out, rates.of(item, "bytes_out")),
    wayText("in", item.in_spi, item.bytes_in, rates.of(item, "bytes_in")),
  ];
  return beside(left, story(item), ESP_COLUMNS);
}

// IKE

const IKE_COLUMNS = 37;

function ikeLines(item: IkeItem): string[] {
  const left = [
    `  IKEv${item.version}  initiator ${item.initiator_cookie}`,
    `         responder ${item.responder_cookie ?? "unknown"}`,
    `         ${item.packets_out} packets out, ${item.packets_in} in`,
  ];
  return beside(left, story(item), IKE_COLUMNS);
}

// Flows

function flowRow({
  protocol,
  client,
  client_port,
  mapped_port,
  server,
  server_port,
  phase,
  idle_ms,
}: FlowItem): string[] {
  const ends = [`${client}:${client_port}`, tostring(mapped_port), `${server}:${server_port}`];
  return [protocol, ...ends, phase, formatDuration(idle_ms)];
}

function flowLines(items: readonly FlowItem[]): string[] {
  if (items.length === 0) return [];
  const titles = ["", "Client", "Port", "Server", "Phase", "Idle"];
  const rows = [titles, ...items.map((item) => flowRow(item))];
  return ["", ...layoutRows(["left", "left", "right", "left", "left", "left"], rows)];
}

// All

function pairLines(items: readonly (EspItem | IkeItem)[], show: (item: EspItem | IkeItem) => string[]): string[] {
  const lines: string[] = [];
  let pair = "";
  for (const item of items) {
    const port = "client_port" in item && item.client_port !== 500 ? ` port ${item.client_port}` : "";
    const next = `${item.client}${port} > ${item.server}`;
    if (next !== pair) lines.push("", heading(next));
    pair = next;
    lines.push(...show(item));
  }
  return lines;
}

function title(report: TableReport): string {
  const { total, capacity, offset, items } = report;
  const shown = items.length === total ? "" : `; ${items.length} shown from ${offset} on (--offset, --limit)`;
  if (report.table === "flows") return `Flows: ${total}, of at most ${capacity} of each protocol${shown}`;
  const [name, noun] = report.table === "esp" ? ["ESP", "items"] : ["IKE", "sessions"];
  return `${name}: ${total} of ${capacity} ${noun}${shown}`;
}

/** @param earlier the same table a little before, for the rates */
export function tableView(report: TableReport, earlier: TableReport | undefined): string[] {
  if (report.table === "flows" && report.capacity === 0) return ["Flows: none, as scope is vpn"];
  const rates = new Rates(earlier, report.now_ms);
  if (report.table === "flows") return [title(report), ...flowLines(report.items as FlowItem[])];
  const show = (item: EspItem | IkeItem): string[] =>
    report.table === "esp" ? espLines(item as EspItem, rates) : ikeLines(item as IkeItem);
  return [title(report), ...pairLines(report.items as (EspItem | IkeItem)[], show)];
}
