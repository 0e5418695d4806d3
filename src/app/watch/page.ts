// SPDX-License-Identifier: GPL-2.0-only
// What `vpnmasq watch` shows: health, links, how full the tables are, and a page of one table, a line an item.

import type { EspItem } from "../report/esp-report";
import type { FlowItem } from "../report/flow-report";
import type { HealthReport } from "../report/health-report";
import type { IkeItem } from "../report/ike-report";
import type { LinkStatus, StatusReport } from "../report/status-report";
import type { TableName, TableReport } from "../report/table-report";
import { formatDuration } from "../text/duration";
import { pad } from "../text/layout";
import { formatBytes, formatRate } from "../text/quantity";
import { Rates } from "../view/table-view";
import type { ScreenLine } from "./screen";

/** One look at the router. */
export interface Look {
  readonly atMs: number;
  readonly health: HealthReport;
  /** Undefined: it does not answer. */
  readonly status?: StatusReport | undefined;
  readonly table?: TableReport | undefined;
}

export interface PageRequest {
  readonly table: TableName;
  /** Items left out before the first one shown. */
  readonly offset: number;
  /** Lines of the screen, and its width. */
  readonly height: number;
  readonly width: number;
}

/** Title, two links, tables, an empty line, and the table's heading. */
const LINES_ABOVE = 6;
/** What can be typed. */
const LINES_BELOW = 1;

/** Items that a screen of this height shows. */
export function itemsShown(height: number): number {
  return Math.max(1, height - LINES_ABOVE - LINES_BELOW);
}

function plain(text: string): ScreenLine {
  return { text };
}

/** Text with another one at the right edge; the left one gives way. */
function spread(left: string, right: string, width: number): string {
  const room = Math.max(0, width - string.len(right) - 1);
  return `${pad(string.sub(left, 1, room), room, "left")} ${right}`;
}

function titleLine({ health, status }: Look, width: number): ScreenLine {
  const about = status === undefined ? "vpnmasq" : `vpnmasq ${status.version}, scope ${status.scope}`;
  const up = status === undefined ? "" : `up ${formatDuration(status.uptime_ms)}`;
  const said = `${about}   ${health.health}: ${health.meaning}`;
  return { text: spread(said, up, width), style: health.health === "ok" ? "heading" : "alarm" };
}

/** Bytes a second; undefined without an earlier look. */
function rateOf(now: number, before: number | undefined, seconds: number): number | undefined {
  return before === undefined || seconds <= 0 ? undefined : (now - before) / seconds;
}

function linkLine(label: string, link: LinkStatus, before: LinkStatus | undefined, seconds: number): ScreenLine {
  const state = link.present ? (link.up ? "up" : "DOWN") : "ABSENT";
  const place = `${label}  ${pad(link.name, 9, "left")}${pad(link.address ?? "no address", 16, "left")}${pad(state, 7, "left")}`;
  const rateIn = formatRate(rateOf(link.bytes_in, before?.bytes_in, seconds));
  const rateOut = formatRate(rateOf(link.bytes_out, before?.bytes_out, seconds));
  const text = `${place}in ${pad(rateIn, 12, "right")}  out ${pad(rateOut, 12, "right")}${link.dropped > 0 ? `  ${link.dropped} lost` : ""}`;
  return link.up && link.address !== undefined ? { text } : { text, style: "alarm" };
}

function tablesLine({ esp, ike, flows, held_packets }: StatusReport): ScreenLine {
  const parts = [
    `ESP ${esp.established} up, ${esp.outstanding} outstanding, ${esp.waiting} waiting`,
    `IKE ${ike.total}`,
    `held ${held_packets}`,
  ];
  if (flows !== undefined) parts.push(`flows ${flows.tcp + flows.udp + flows.icmp}`);
  return plain(parts.join("   "));
}

// Items

const ADDRESS_COLUMNS = 16;

function rateCell(rate: string): string {
  return pad(string.gsub(rate, "/s$", "")[0], 11, "right");
}

const ESP_TITLE = `${pad("Client", 16, "left")}${pad("Server", 16, "left")}${pad("SPI out", 11, "left")}${pad("Phase", 12, "left")}      out/s       in/s`;

function espLine(item: EspItem, rates: Rates): ScreenLine {
  const { client, server, out_spi, phase, marks } = item;
  const ends = pad(client, ADDRESS_COLUMNS, "left") + pad(server, ADDRESS_COLUMNS, "left");
  const state = marks.length === 0 ? phase : `${phase}*`;
  const about = `${ends}${pad(out_spi ?? "unknown", 11, "left")}${pad(state, 12, "left")}`;
  const text = `${about}${rateCell(rates.of(item, "bytes_out"))}${rateCell(rates.of(item, "bytes_in"))}`;
  return phase === "established" ? { text } : { text, style: "heading" };
}

const IKE_TITLE = `${pad("Client", 16, "left")}${pad("Server", 16, "left")}${pad("Initiator", 18, "left")}${pad("Phase", 13, "left")}last packet`;

function ikeLine({ client, server, initiator_cookie, phase, idle_ms }: IkeItem): ScreenLine {
  const ends = pad(client, ADDRESS_COLUMNS, "left") + pad(server, ADDRESS_COLUMNS, "left");
  return plain(`${ends}${pad(initiator_cookie, 18, "left")}${pad(phase, 13, "left")}${formatDuration(idle_ms)} ago`);
}

const FLOW_TITLE = `${pad("", 5, "left")}${pad("Client", 22, "left")}${pad("Server", 22, "left")}${pad("Phase", 12, "left")}      bytes   idle`;

function flowLine(item: FlowItem): ScreenLine {
  const { protocol, client, client_port, server, server_port, phase, bytes, idle_ms } = item;
  const ends = `${pad(`${client}:${client_port}`, 22, "left")}${pad(`${server}:${server_port}`, 22, "left")}`;
  const amount = pad(formatBytes(bytes), 11, "right");
  return plain(
    `${pad(protocol, 5, "left")}${ends}${pad(phase, 12, "left")}${amount} ${pad(formatDuration(idle_ms), 6, "right")}`,
  );
}

function itemLines(report: TableReport, earlier: TableReport | undefined): ScreenLine[] {
  if (report.table === "ike") return [heading(IKE_TITLE), ...(report.items as IkeItem[]).map((item) => ikeLine(item))];
  if (report.table === "flows")
    return [heading(FLOW_TITLE), ...(report.items as FlowItem[]).map((item) => flowLine(item))];
  const rates = new Rates(earlier?.table === "esp" ? earlier : undefined, report.now_ms);
  return [heading(ESP_TITLE), ...(report.items as EspItem[]).map((item) => espLine(item, rates))];
}

function heading(text: string): ScreenLine {
  return { text, style: "heading" };
}

function footLine({ table, width }: PageRequest, report: TableReport | undefined): ScreenLine {
  const keys = "q quit  arrows, space, b page  e ESP  i IKE  f flows";
  if (report === undefined) return plain(keys);
  const { total, offset, items } = report;
  const place = items.length === 0 ? `no ${table}` : `${offset + 1}-${offset + items.length} of ${total} ${table}`;
  return plain(spread(keys, place, width));
}

/** The screen's lines, `request.height` of them. */
export function watchPage(now: Look, before: Look | undefined, request: PageRequest): ScreenLine[] {
  const { status, table } = now;
  const lines = [titleLine(now, request.width)];
  if (status !== undefined) {
    const seconds = (now.atMs - (before?.atMs ?? now.atMs)) / 1000;
    lines.push(linkLine("LAN", status.lan, before?.status?.lan, seconds));
    lines.push(linkLine("WAN", status.wan, before?.status?.wan, seconds));
    lines.push(tablesLine(status), plain(""));
  }
  if (table !== undefined) lines.push(...itemLines(table, before?.table));
  while (lines.length < request.height - LINES_BELOW) lines.push(plain(""));
  return [...lines.slice(0, request.height - LINES_BELOW), footLine(request, table)];
}
