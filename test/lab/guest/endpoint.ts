// SPDX-License-Identifier: GPL-2.0-only
// vpnmasq as the watchdog of an IPsec node, as a user starts it there.

import { json } from "./json";
import { becomesReady } from "./readiness";
import { type Daemon, killNow, must, readText, run, spawn, stop, writeText } from "./shell";
import { SIGTERM } from "./libc";
import { type Client, SERVER, SERVER_ADDRESS, SERVER_INNER_ADDRESS, SERVER_INNER_SUBNET } from "./topology";

const PROGRAM = "/lab/build/vpnmasq";
const CONTROL = "endpoint.sock";
const STOP_TIMEOUT_MS = 3000;

/** What a scenario may set in an endpoint's configuration: groups and keys as docs/endpoint.md has them. */
export type EndpointSettings = Readonly<Record<string, unknown>>;

/** A tunnel as `vpnmasq tunnels --json` tells of it; of its fields those that scenarios look at. */
export interface WatchedTunnel {
  readonly name: string;
  readonly state: string;
  readonly epochs: readonly {
    readonly out_spi: string;
    readonly in_spi: string;
    readonly carries_data: boolean;
    readonly answer_age_ms?: number;
  }[];
  readonly round_trip_ms?: number;
  readonly recoveries: number;
  readonly last_recovery?: { readonly cause: string; readonly by: string; readonly took_ms: number };
  readonly hold: { readonly is_holding: boolean; readonly holds: number; readonly released: number };
  readonly problems: readonly string[];
}

function fileOf(node: string, name: string): string {
  return `/run/nodes/${node}/${name}`;
}

/** Puts a hook there that writes down what it is told. @returns the program, and the file that it writes to */
export function installHook(node: string): { program: string; notes: string } {
  const [program, notes] = [fileOf(node, "hook"), fileOf(node, "hook.notes")];
  must(`mkdir -p /run/nodes/${node}`);
  writeText(program, `#!/bin/sh\necho "$STATE of $TUNNEL, $CONNECTION to $PEER: $CAUSE" >> ${notes}\n`);
  must(`chmod +x ${program}`);
  return { program, notes };
}

/** Waits of a quarter of the standard ones, and the inequalities between them hold: the lab's links have no length. */
const LAB_TIMERS = {
  timers: { max_idle_ms: 1000, ping_time_min_ms: 250, ping_time_max_ms: 1000, rekey_ms: 3000, negotiation_ms: 5000 },
  network: { nat_outstanding_ms: 1000, other_tunnels: 4 },
};

/** The tunnel of a client as the client sees it. */
export function clientTunnel(client: Client): Readonly<Record<string, unknown>> {
  return {
    name: client.name,
    daemon: "libreswan",
    connection: "tunnel",
    daemon_control: `/run/nodes/${client.name}`,
    peer: SERVER_ADDRESS,
    local_networks: [`${client.innerAddress}/32`],
    remote_networks: [SERVER_INNER_SUBNET],
    ping_source: client.innerAddress,
    ping_target: SERVER_INNER_ADDRESS,
  };
}

/** The same as the server sees it. */
export function serverTunnel(client: Client): Readonly<Record<string, unknown>> {
  return {
    name: client.name,
    daemon: "libreswan",
    connection: client.name,
    daemon_control: `/run/nodes/${SERVER}`,
    remote_networks: [`${client.innerAddress}/32`],
    local_networks: [SERVER_INNER_SUBNET],
    ping_source: SERVER_INNER_ADDRESS,
    ping_target: client.innerAddress,
  };
}

/** Starts the watchdog of a client and waits until it answers. */
export function startClientEndpoint(client: Client, settings: EndpointSettings = {}): Daemon {
  return startEndpoint(client.name, { role: "client", tunnels: [clientTunnel(client)], ...LAB_TIMERS, ...settings });
}

/** Starts the watchdog of the server, for all clients. */
export function startServerEndpoint(clients: readonly Client[], settings: EndpointSettings = {}): Daemon {
  const tunnels = clients.map((client) => serverTunnel(client));
  return startEndpoint(SERVER, { role: "server", tunnels, ...LAB_TIMERS, ...settings });
}

function startEndpoint(node: string, configuration: object): Daemon {
  must(`mkdir -p /run/nodes/${node}`);
  writeText(fileOf(node, "endpoint.json"), json.encode({ ...configuration, control: fileOf(node, CONTROL) }));
  return restartEndpoint(node);
}

/** Starts it again with the configuration that is there. */
export function restartEndpoint(node: string): Daemon {
  const words = ["endpoint", "--config", fileOf(node, "endpoint.json")];
  const endpoint = spawn(["ip", "netns", "exec", node, PROGRAM, ...words], fileOf(node, "endpoint.log"));
  if (!becomesReady(endpoint, fileOf(node, CONTROL), "tunnels")) {
    error(`the endpoint of ${node} did not start:\n${endpointLog(node)}`, 0);
  }
  return endpoint;
}

export function killEndpoint(endpoint: Daemon): void {
  killNow(endpoint);
}

export function stopEndpoint(endpoint: Daemon): void {
  stop(endpoint, SIGTERM, STOP_TIMEOUT_MS);
}

/** What a command such as "tunnels" or "explain client1" prints. */
export function askEndpoint(node: string, command: string): { status: number; output: string } {
  return run(`${PROGRAM} ${command} --control ${fileOf(node, CONTROL)}`);
}

/** A node's first tunnel as its watchdog sees it now; undefined when that does not answer. */
export function watchedTunnel(node: string): WatchedTunnel | undefined {
  const { status, output } = askEndpoint(node, "tunnels --json");
  if (status !== 0) return undefined;
  return (json.decode(output) as { tunnels: WatchedTunnel[] }).tunnels[0];
}

export function endpointLog(node: string): string {
  return readText(fileOf(node, "endpoint.log"));
}
