// SPDX-License-Identifier: GPL-2.0-only
// One TCP, UDP or ICMP session of `scope all` as a document.

import type { FlowEntry } from "../../masquerade/flows";
import { formatAddress } from "../../wire/address";

export interface FlowItem {
  readonly protocol: string;
  readonly client: string;
  readonly client_port: number;
  readonly mapped_port: number;
  readonly server: string;
  readonly server_port: number;
  readonly phase: string;
  readonly age_ms: number;
  readonly idle_ms: number;
  readonly expires_in_ms: number;
  readonly bytes: number;
}

/** The entry is one object that the table fills anew for each session, so everything is copied. */
export function flowItem(protocol: string, entry: FlowEntry): FlowItem {
  return {
    protocol,
    client: formatAddress(entry.client),
    client_port: entry.clientPort,
    mapped_port: entry.externalPort,
    server: formatAddress(entry.remote),
    server_port: entry.remotePort,
    phase: entry.stage,
    age_ms: entry.ageMs,
    idle_ms: entry.idleMs,
    expires_in_ms: entry.expiresInMs,
    bytes: entry.bytes,
  };
}
