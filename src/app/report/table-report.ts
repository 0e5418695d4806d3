// SPDX-License-Identifier: GPL-2.0-only
// A page of one of the tables, sorted by client and server so that it reads the same twice.
//
// The router forwards nothing while it answers, so the work is bounded: a page has a bounded number of items, and a
// table too long to be sorted in a few milliseconds is shown in its own order.

import { ESP_RECORD_WORDS, EspField } from "../../masquerade/esp-record";
import type { FlowEntry } from "../../masquerade/flows";
import type { IkeSession } from "../../masquerade/ike";
import { unsigned } from "../../wire/word";
import type { Page } from "../page";
import type { RouterState } from "../router-state";
import { espItem, type EspItem } from "./esp-report";
import { type FlowItem, flowItem } from "./flow-report";
import { ikeItem, type IkeItem } from "./ike-report";

export type TableName = "esp" | "ike" | "flows";
export const TABLE_NAMES: readonly TableName[] = ["ike", "esp", "flows"];

export interface TableReport {
  readonly table: TableName;
  readonly now_ms: number;
  /** Items in all, of which this is a page. */
  readonly total: number;
  /** Items there is room for; flows: of each protocol. */
  readonly capacity: number;
  readonly offset: number;
  readonly items: readonly (EspItem | IkeItem | FlowItem)[];
}

const SORTED_MAX = 4096;

/** Collects what falls on a page, knowing the total only at the end. */
function pageOf<Item>(all: Item[], page: Page, isBefore: (one: Item, other: Item) => boolean): Item[] {
  if (all.length <= SORTED_MAX) table.sort(all, isBefore);
  return all.slice(page.offset, page.offset + page.limit);
}

export function tableReport(state: RouterState, name: TableName, page: Page): TableReport {
  const now_ms = state.nowMs();
  if (name === "esp") return { table: name, now_ms, offset: page.offset, ...espPage(state, page) };
  if (name === "ike") return { table: name, now_ms, offset: page.offset, ...ikePage(state, page) };
  return { table: name, now_ms, offset: page.offset, ...flowPage(state, page) };
}

type Content = Pick<TableReport, "total" | "capacity" | "items">;

function espPage(state: RouterState, page: Page): Content {
  const words = state.esp.records.words;
  const records: number[] = [];
  state.esp.forEach((record) => records.push(record));
  const isBefore = (one: number, other: number): boolean => {
    for (const field of [EspField.Client, EspField.Server, EspField.Created]) {
      const first = unsigned(words[one * ESP_RECORD_WORDS + field]);
      const second = unsigned(words[other * ESP_RECORD_WORDS + field]);
      if (first !== second) return first < second;
    }
    return one < other;
  };
  const items = pageOf(records, page, isBefore).map((record) => espItem(state, record));
  return { total: records.length, capacity: state.config.limits.espItemsMax, items };
}

function ikePage(state: RouterState, page: Page): Content {
  const sessions: IkeSession[] = [];
  state.ike.forEach((session) => sessions.push(session));
  const isBefore = (one: IkeSession, other: IkeSession): boolean => {
    if (one.client !== other.client) return unsigned(one.client) < unsigned(other.client);
    if (one.server !== other.server) return unsigned(one.server) < unsigned(other.server);
    return one.number < other.number;
  };
  const items = pageOf(sessions, page, isBefore).map((session) => ikeItem(state, session));
  return { total: sessions.length, capacity: state.config.limits.ikeItemsMax, items };
}

/** In the tables' own order: TCP, UDP, ICMP. */
function flowPage(state: RouterState, page: Page): Content {
  const { flows } = state;
  if (flows === undefined) return { total: 0, capacity: 0, items: [] };
  const items: FlowItem[] = [];
  let total = 0;
  for (const protocol of ["tcp", "udp", "icmp"] as const) {
    const note = (entry: FlowEntry): number => items.push(flowItem(protocol, entry));
    flows[protocol].forEach(state.nowMs(), note, math.max(0, page.offset - total), page.limit - items.length);
    total += flows[protocol].count();
  }
  return { total, capacity: state.config.limits.flowsMax, items };
}
