// SPDX-License-Identifier: GPL-2.0-only
// One IKE session as a document.

import type { IkeSession } from "../../masquerade/ike";
import { formatAddress, formatCookie } from "../../wire/address";
import type { RouterState } from "../router-state";
import { formatDuration } from "../text/duration";

export interface IkeItem {
  readonly client: string;
  readonly server: string;
  readonly client_port: number;
  readonly version: number;
  readonly initiator_cookie: string;
  readonly responder_cookie?: string | undefined;
  readonly phase: string;
  readonly marks: readonly string[];
  readonly evidence: string;
  readonly next: string;
  readonly age_ms: number;
  readonly idle_ms: number;
  readonly packets_out: number;
  readonly packets_in: number;
}

export function ikeItem(state: RouterState, session: IkeSession): IkeItem {
  const nowMs = state.nowMs();
  const hasResponder = session.responderHigh !== 0 || session.responderLow !== 0;
  return {
    client: formatAddress(session.client),
    server: formatAddress(session.server),
    client_port: session.clientPort,
    version: session.version,
    initiator_cookie: formatCookie(session.initiatorHigh, session.initiatorLow),
    responder_cookie: hasResponder ? formatCookie(session.responderHigh, session.responderLow) : undefined,
    phase: session.phase,
    marks: session.restored ? ["restored"] : [],
    evidence: session.origin,
    next: nextStep(state, session),
    age_ms: nowMs - session.createdMs,
    idle_ms: nowMs - Math.max(session.lastOutMs, session.lastInMs),
    packets_out: session.packetsOut,
    packets_in: session.packetsIn,
  };
}

function nextStep(state: RouterState, session: IkeSession): string {
  const { ikeWaitingMs, ikeOutstandingMs, ikeIdleMs } = state.config.limits;
  const inTime = (endMs: number): string => formatDuration(endMs - state.nowMs());
  if (session.phase === "waiting") return `held behind an equal cookie for ${inTime(session.createdMs + ikeWaitingMs)}`;
  if (session.phase === "outstanding") {
    return `given up in ${inTime(session.lastOutMs + ikeOutstandingMs)} without an answer`;
  }
  const lastMs = Math.max(session.lastOutMs, session.lastInMs);
  return `forgotten in ${inTime(lastMs + ikeIdleMs)} without traffic`;
}
