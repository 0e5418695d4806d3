// SPDX-License-Identifier: GPL-2.0-only
// The endpoint watchdogs of one run: started with common settings, asked what they have seen.

import { nowMs } from "./clock";
import { askEndpoint, endpointLog, startClientEndpoint, startServerEndpoint } from "./endpoint";
import { json } from "./json";
import type { Daemon } from "./shell";
import type { TimeLine } from "./timeline";
import { type Client, SERVER } from "./topology";

/** Keys of the configuration that scenarios set, or leave at their standard; their meaning is in docs/endpoint.md. */
export interface WatchSettings {
  readonly timers: {
    readonly max_idle_ms?: number;
    readonly ping_time_min_ms?: number;
    readonly ping_time_max_ms?: number;
    readonly ping_tries?: number;
    readonly rekey_ms?: number;
    readonly negotiation_ms?: number;
  };
  /** What the router is like: the timers have to fit. */
  readonly network: { readonly nat_outstanding_ms?: number; readonly other_tunnels?: number };
}

/** A node's watchdog. */
export interface Watchdog {
  readonly node: string;
  readonly process: Daemon;
  readonly tunnels: readonly string[];
}

/** What `vpnmasq explain TUNNEL --json` says, as far as the lab asks. */
export interface WatchedState {
  readonly state: string;
  readonly recoveries: number;
  readonly pings_sent: number;
  readonly hold: { readonly holds: number; readonly held_ms: number; readonly released: number };
  readonly last_recovery?: { readonly cause: string; readonly by: string; readonly took_ms: number };
  readonly events: readonly { readonly age_ms: number; readonly state: string; readonly text: string }[];
}

/** Those of the clients watch one tunnel each. */
export function watchClient(client: Client, settings: WatchSettings): Watchdog {
  return { node: client.name, process: startClientEndpoint(client, { ...settings }), tunnels: [client.name] };
}

export function watchServer(clients: readonly Client[], settings: WatchSettings): Watchdog {
  const tunnels = clients.map(({ name }) => name);
  return { node: SERVER, process: startServerEndpoint(clients, { ...settings }), tunnels };
}

export function explainTunnel({ node }: Watchdog, tunnel: string): WatchedState {
  const { status, output } = askEndpoint(node, `explain ${tunnel} --json`);
  if (status !== 0) error(`the endpoint of ${node} does not explain ${tunnel}:\n${output}${endpointLog(node)}`, 0);
  return json.decode(output) as WatchedState;
}

/** What a watchdog said of one of its tunnels, and when. */
export interface Account {
  readonly watchdog: Watchdog;
  readonly tunnel: string;
  readonly said: WatchedState;
  readonly saidMs: number;
}

/** Asks every watchdog about every tunnel. Each answer takes the start of a program, so ask once. */
export function accountsOf(watchdogs: readonly Watchdog[]): Account[] {
  return watchdogs.flatMap((watchdog) =>
    watchdog.tunnels.map((tunnel) => {
      const said = explainTunnel(watchdog, tunnel);
      return { watchdog, tunnel, said, saidMs: nowMs() };
    }),
  );
}

/** Puts what watchdogs say of their tunnels on the time line. */
export function tellEvents(accounts: readonly Account[], timeLine: TimeLine): void {
  for (const { watchdog, tunnel, said, saidMs } of accounts) {
    const label = watchdog.node === SERVER ? `server's watchdog, ${tunnel}` : `${tunnel}'s watchdog`;
    for (const { age_ms, state, text } of said.events) timeLine.at(saidMs - age_ms, `${label}: ${state}: ${text}`);
  }
}
