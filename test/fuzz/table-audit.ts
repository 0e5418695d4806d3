// SPDX-License-Identifier: GPL-2.0-only
// What must hold of a whole table after any packet at all: look-ups, counts and limits of all its parts agree.

import type { Limits } from "../../src/masquerade/limits";
import type { Table } from "../../src/masquerade/table";
import { auditEsp } from "../spec/masquerade/esp-audit";
import { auditIke } from "./ike-audit";
import { demand } from "./target";

/**
 * Throws when the table contradicts itself or has passed a limit.
 * @param clients addresses (words) of all who may have sessions
 */
export function auditTable(table: Table, limits: Limits, clients: readonly number[], nowMs: number): void {
  auditEsp(table.esp, limits);
  auditIke(table.ike, limits);
  demand(table.fragments.count() <= limits.fragmentDatagramsMax, "too many fragmented datagrams");
  if (table.flows === undefined) return;
  const { tcp, udp, icmp } = table.flows;
  for (const [sessions, most, mostOfClient] of [
    [tcp, limits.flowsMax, limits.flowsPerClientMax],
    [udp, limits.flowsMax, limits.flowsPerClientMax],
    [icmp, limits.icmpQueriesMax, limits.icmpQueriesPerClientMax],
  ] as const) {
    demand(sessions.count() <= most, "too many sessions");
    let listed = 0;
    sessions.forEach(nowMs, () => (listed += 1));
    demand(listed <= sessions.count(), "more sessions listed than counted");
    for (const client of clients) demand(sessions.countOf(client) <= mostOfClient, "too many sessions of one client");
  }
}
