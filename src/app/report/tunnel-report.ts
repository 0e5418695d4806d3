// SPDX-License-Identifier: GPL-2.0-only
// `tunnels`: of each watched tunnel its state, its epochs, what it waits for, and what outages it had.

import type { Epoch } from "../../epoch/tunnel";
import { formatAddress, formatSpi } from "../../wire/address";
import type { WatchedTunnel } from "../../watchdog/watched-tunnel";
import type { EndpointState } from "../endpoint-state";
import type { Page } from "../page";
import { readNotes } from "../configuration-notes";
import { type ReloadItem, reloadItem } from "../reload";

export interface EpochItem {
  readonly out_spi: string;
  readonly in_spi: string;
  readonly age_ms: number;
  /** How long ago the last packet came in; absent: none has, so it is not confirmed. */
  readonly answer_age_ms?: number | undefined;
  /** Data is sent on it. */
  readonly carries_data: boolean;
  readonly is_pinged: boolean;
  /** Made by the server's rekey, which is not followed. */
  readonly is_ignored: boolean;
}

export interface EventItem {
  readonly age_ms: number;
  readonly state: string;
  readonly text: string;
}

export interface TunnelItem {
  readonly name: string;
  readonly daemon: string;
  readonly daemon_presence: string;
  readonly connection: string;
  readonly local?: string | undefined;
  readonly peer?: string | undefined;
  readonly state: string;
  readonly state_age_ms: number;
  /** The oldest first. */
  readonly epochs: readonly EpochItem[];
  readonly round_trip_ms?: number | undefined;
  readonly next?: { readonly what: string; readonly in_ms?: number | undefined } | undefined;
  readonly outage?: { readonly cause: string; readonly age_ms: number } | undefined;
  readonly recoveries: number;
  readonly last_recovery?:
    { readonly cause: string; readonly by: string; readonly took_ms: number; readonly age_ms: number } | undefined;
  readonly pings_sent: number;
  readonly hold: {
    readonly is_holding: boolean;
    readonly holds: number;
    readonly held_ms: number;
    readonly longest_ms: number;
    /** Packets that left when holds ended, and queues that others removed with what was in them. */
    readonly released: number;
    readonly lost_queues: number;
    /** Packets that the host discarded while data was held, of this or another tunnel, or for another cause. */
    readonly host_discarded: number;
  };
  readonly problems: readonly string[];
  /** The latest first; only of one tunnel. */
  readonly events?: readonly EventItem[] | undefined;
}

export interface TunnelsReport {
  readonly role: string;
  readonly uptime_ms: number;
  readonly configuration: string;
  /** What was said about it when it was made. */
  readonly notes: readonly string[];
  /** Tunnels in all, of which this is a page. */
  readonly total: number;
  readonly offset: number;
  readonly reload?: ReloadItem | undefined;
  readonly tunnels: readonly TunnelItem[];
}

export function tunnelsReport(state: EndpointState, page: Page): TunnelsReport {
  const { config, configPath, startedMs } = state;
  const all = state.tunnels();
  return {
    role: config.role,
    uptime_ms: state.nowMs() - startedMs,
    configuration: configPath,
    notes: readNotes(configPath),
    reload: reloadItem(state.lastReload, state.nowMs()),
    total: all.length,
    offset: page.offset,
    tunnels: all.slice(page.offset, page.offset + page.limit).map((tunnel) => tunnelItem(state, tunnel)),
  };
}

/** One tunnel with what happened to it lately; undefined: there is none of this name. */
export function tunnelReport(state: EndpointState, name: string): TunnelItem | undefined {
  const tunnel = state.tunnels().find(({ settings }) => settings.name === name);
  if (tunnel === undefined) return undefined;
  const nowMs = state.nowMs();
  const events = tunnel.events.map(({ atMs, state: after, text }) => ({ age_ms: nowMs - atMs, state: after, text }));
  return { ...tunnelItem(state, tunnel), events: events.reverse() };
}

function tunnelItem(state: EndpointState, tunnel: WatchedTunnel): TunnelItem {
  const nowMs = state.nowMs();
  const { settings, machine, daemon } = tunnel;
  const { data, ping } = machine.placement(nowMs);
  return {
    name: settings.name,
    daemon: daemon.name,
    daemon_presence: daemon.presence(),
    connection: settings.connection,
    local: addressText(tunnel.local ?? tunnel.peers?.local),
    peer: addressText(tunnel.peerAddress()),
    state: machine.state,
    state_age_ms: nowMs - tunnel.sinceMs,
    epochs: machine.epochs().map((epoch) => epochItem(epoch, data, ping, nowMs)),
    round_trip_ms: machine.roundTripMs(),
    next: machine.nextStep && { what: machine.nextStep.what, in_ms: untilOf(machine.nextStep.atMs, nowMs) },
    ...outageItems(tunnel, nowMs),
    pings_sent: tunnel.pingsSent,
    hold: holdItem(state, tunnel, nowMs),
    problems: state.problemsOf(tunnel),
  };
}

function addressText(address: number | undefined): string | undefined {
  return address === undefined ? undefined : formatAddress(address);
}

function untilOf(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs);
}

function epochItem(epoch: Epoch, data: Epoch | "hold", ping: Epoch | undefined, nowMs: number): EpochItem {
  return {
    out_spi: formatSpi(epoch.outSpi),
    in_spi: formatSpi(epoch.inSpi),
    age_ms: nowMs - epoch.sinceMs,
    answer_age_ms: epoch.lastInMs === undefined ? undefined : nowMs - epoch.lastInMs,
    carries_data: epoch === data,
    is_pinged: epoch === ping,
    is_ignored: epoch.isIgnored,
  };
}

function outageItems(
  { machine }: WatchedTunnel,
  nowMs: number,
): Pick<TunnelItem, "outage" | "recoveries" | "last_recovery"> {
  const { sinceMs, cause, recoveries, last } = machine.outages;
  return {
    outage: sinceMs === undefined ? undefined : { cause, age_ms: nowMs - sinceMs },
    recoveries,
    last_recovery: last && { cause: last.cause, by: last.by, took_ms: last.tookMs, age_ms: nowMs - last.atMs },
  };
}

function holdItem(state: EndpointState, tunnel: WatchedTunnel, nowMs: number): TunnelItem["hold"] {
  const counts = state.holdOf(tunnel);
  const presentMs = counts?.heldSinceMs === undefined ? 0 : nowMs - counts.heldSinceMs;
  return {
    is_holding: counts?.heldSinceMs !== undefined,
    holds: counts?.holds ?? 0,
    held_ms: (counts?.heldMs ?? 0) + presentMs,
    longest_ms: Math.max(counts?.longestMs ?? 0, presentMs),
    released: counts?.released ?? 0,
    lost_queues: counts?.lostQueues ?? 0,
    host_discarded: state.discardedWhileHolding(),
  };
}
