// SPDX-License-Identifier: GPL-2.0-only
// What was decided lately: the memory that `vpnmasq explain` answers from.
//
// Each reason keeps its own last few decisions, so a flood of one kind (stray SPIs, say) cannot push the one binding
// that somebody asks about out of memory; and what repeats is counted, not repeated.

import type { Reason } from "./reason";

/** One decision about a client, a server or an SPI, and how often it was taken in a row. */
export interface Decision {
  readonly reason: Reason;
  /** Addresses (words); 0 where the decision knows none. */
  readonly client: number;
  readonly server: number;
  /** The SPI of the packet (a word), 0 for IKE and flows. */
  readonly spi: number;
  /** More of the evidence, for people; may be empty. */
  text: string;
  readonly firstMs: number;
  atMs: number;
  count: number;
}

/** Decisions remembered of each reason: with some 30 reasons that are worth a note about 256 in all. */
export const DECISIONS_PER_REASON = 8;

/** Reasons of traffic that goes as it should: noting them would tell nothing and push out what does. */
const ROUTINE: Partial<Record<Reason, true>> = {
  "not-ours": true,
  "esp-established": true,
  "esp-outstanding": true,
  "ike-established": true,
  "ike-outstanding": true,
  "fragment-of-known": true,
  "flow-known": true,
  "flow-new": true,
  "flow-accepted": true,
};

/** Reasons that are worth a note but no cause for worry: tunnels come about this way. */
const PLAIN: Partial<Record<Reason, true>> = {
  "esp-first": true,
  "esp-bound": true,
  "esp-server-first": true,
  "esp-paired": true,
  "ike-first": true,
  "ike-bound": true,
  "ike-unbound-answer": true,
  "ike-joined": true,
  "ike-server-first": true,
  "icmp-error-translated": true,
  "flow-hairpin": true,
};

/** Whether a decision for this reason is how things should go. */
export function isPlain(reason: Reason): boolean {
  return PLAIN[reason] === true;
}

export class Decisions {
  private readonly byReason = new LuaMap<Reason, Decision[]>();

  /** Remembers a decision at `nowMs`, unless it is routine; see {@link Decision}. */
  note(nowMs: number, reason: Reason, client: number, server: number, spi: number, text = ""): void {
    if (ROUTINE[reason] === true) return;
    const kept = this.byReason.get(reason) ?? [];
    const same = kept.find((one) => one.client === client && one.server === server && one.spi === spi);
    if (same !== undefined) {
      same.atMs = nowMs;
      same.count += 1;
      same.text = text;
      return;
    }
    kept.push({ reason, client, server, spi, text, firstMs: nowMs, atMs: nowMs, count: 1 });
    if (kept.length > DECISIONS_PER_REASON) forgetOldest(kept);
    this.byReason.set(reason, kept);
  }

  /** The decisions that `isWanted`, the latest first. */
  latest(isWanted: (decision: Decision) => boolean): Decision[] {
    const found: Decision[] = [];
    for (const [, kept] of this.byReason) {
      for (const decision of kept) if (isWanted(decision)) found.push(decision);
    }
    return found.sort((one, other) => other.atMs - one.atMs);
  }
}

function forgetOldest(kept: Decision[]): void {
  let oldest = 0;
  for (const at of $range(1, kept.length - 1)) if (kept[at].atMs < kept[oldest].atMs) oldest = at;
  kept.splice(oldest, 1);
}
