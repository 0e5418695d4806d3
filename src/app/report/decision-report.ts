// SPDX-License-Identifier: GPL-2.0-only
// Decisions as documents: the lately noted ones, and how many packets each reason met.

import type { Decision } from "../../masquerade/decisions";
import { type Reason, REASONS } from "../../masquerade/reason";
import { formatAddress, formatSpi } from "../../wire/address";
import type { RouterState } from "../router-state";

export interface DecisionItem {
  readonly reason: Reason;
  readonly meaning: string;
  readonly client?: string | undefined;
  readonly server?: string | undefined;
  readonly spi?: string | undefined;
  readonly text?: string | undefined;
  readonly age_ms: number;
  readonly count: number;
}

export function decisionItem(state: RouterState, decision: Decision): DecisionItem {
  const { reason, client, server, spi, text, count } = decision;
  return {
    reason,
    meaning: REASONS[reason],
    client: client === 0 ? undefined : formatAddress(client),
    server: server === 0 ? undefined : formatAddress(server),
    spi: spi === 0 ? undefined : formatSpi(spi),
    text: text === "" ? undefined : text,
    age_ms: state.nowMs() - decision.atMs,
    count,
  };
}

export interface CounterItem {
  readonly reason: Reason;
  readonly meaning: string;
  readonly packets: number;
}

/** What was counted, the most frequent first. */
export function countersReport(state: RouterState): CounterItem[] {
  const items: CounterItem[] = [];
  for (const [reason, packets] of state.counters) items.push({ reason, meaning: REASONS[reason], packets });
  return items.sort((one, other) => {
    if (one.packets !== other.packets) return other.packets - one.packets;
    return one.reason < other.reason ? -1 : 1;
  });
}
