// SPDX-License-Identifier: GPL-2.0-only
// Real IKE: one libreswan daemon in each IPsec node, set to native ESP (no UDP encapsulation), driven by `whack`.
//
// Every daemon has its own configuration, secrets and control socket under /run/nodes/NAME, given by options, so several
// live side by side; they share the guest's empty NSS database, which pre-shared keys do not need.

import { sleepMs, waitUntil } from "./clock";
import { type Daemon, killNow, must, readText, run, spawn, stop, writeText } from "./shell";
import { SIGTERM } from "./libc";
import { type Client, SERVER, SERVER_ADDRESS, SERVER_INNER_SUBNET, type Topology } from "./topology";

export type IkeVersion = 1 | 2;

/** The name of a client's connection in the client's own configuration. */
export const TUNNEL = "tunnel";
const READY_TIMEOUT_MS = 15_000;
const UP_TIMEOUT_S = 20;
const STOP_TIMEOUT_MS = 2000;

/** The pre-shared key of every tunnel. */
export const SECRET = "only-for-the-lab-only-for-the-lab-only-for-the-lab";

/** What a scenario may set beyond the usual. */
export interface IkeOptions {
  readonly version: IkeVersion;
  /** Seconds between dead peer detection probes of the clients; without it there is none. */
  readonly deadPeerDelayS?: number;
  /** Seconds without an answer after which the peer is dead; without it three delays. */
  readonly deadPeerTimeoutS?: number;
}

/** How long an epoch lives, and when its client begins the next one. */
export interface Lifetimes {
  readonly keylifeS: number;
  readonly marginS: number;
  readonly fuzzPercent: number;
}

/** `setup` and what all connections share. `encapsulation` and `nat-ikev1-method` keep both versions off UDP 4500. */
function sharedText(options: IkeOptions): string {
  const lines = [
    "config setup",
    " ikev1-policy=accept",
    " uniqueids=no",
    "conn %default",
    " auto=add",
    ` ikev2=${options.version === 2 ? "yes" : "no"}`,
    " authby=secret",
    " type=tunnel",
    " encapsulation=no",
    " nat-ikev1-method=none",
    // Of the algorithms that both versions would agree on, the one whose packets' lengths tell data from pings.
    " esp=aes_gcm256-null",
    " leftupdown=%disabled",
  ];
  return lines.join("\n") + "\n";
}

function connectionText(name: string, settings: readonly string[]): string {
  return `conn ${name}\n ${settings.join("\n ")}\n`;
}

/** The server's configuration: one connection a client, whatever address the client seems to come from. */
export function serverText(clients: readonly Client[], options: IkeOptions): string {
  const connections = clients.map((client) =>
    connectionText(client.name, [
      `left=${SERVER_ADDRESS}`,
      "leftid=@server",
      `leftsubnet=${SERVER_INNER_SUBNET}`,
      "right=%any",
      `rightid=@${client.name}`,
      `rightsubnet=${client.innerAddress}/32`,
    ]),
  );
  return sharedText(options) + connections.join("");
}

function clientSettings(client: Client): string[] {
  return [
    `left=${client.address}`,
    `leftid=@${client.name}`,
    `leftsubnet=${client.innerAddress}/32`,
    `right=${SERVER_ADDRESS}`,
    "rightid=@server",
    `rightsubnet=${SERVER_INNER_SUBNET}`,
  ];
}

/** One daemon for many clients, whose tunnels begin by themselves; a connection has its client's name. */
export function crowdText(clients: readonly Client[], options: IkeOptions, lifetimes: Lifetimes): string {
  const { keylifeS, marginS, fuzzPercent } = lifetimes;
  const times = [`salifetime=${keylifeS}s`, `rekeymargin=${marginS}s`, `rekeyfuzz=${fuzzPercent}%`];
  // All begin when the daemon does, with the group that costs the guest's one CPU the least.
  const common = [...times, "auto=start", "ike=aes_gcm128-sha2_256-dh19"];
  const connections = clients.map((client) => connectionText(client.name, [...clientSettings(client), ...common]));
  return sharedText(options) + connections.join("");
}

export function clientText(client: Client, options: IkeOptions): string {
  const settings = clientSettings(client);
  if (options.deadPeerDelayS !== undefined) {
    const timeoutS = options.deadPeerTimeoutS ?? 3 * options.deadPeerDelayS;
    settings.push(`dpddelay=${options.deadPeerDelayS}`, `dpdtimeout=${timeoutS}`, "dpdaction=restart");
    settings.push(`retransmit-timeout=${timeoutS}s`);
  }
  return sharedText(options) + connectionText(TUNNEL, settings);
}

/** Where a node keeps its daemon's files and control socket. */
export function runDirectoryOf(node: string): string {
  return `/run/nodes/${node}`;
}

function startDaemon(node: string, configuration: string): Daemon {
  const directory = runDirectoryOf(node);
  // What else is in the directory belongs to the node's watchdog, which outlives the daemon.
  must(`mkdir -p ${directory} /run/pluto && rm -f ${directory}/pluto.*`);
  writeText(`${directory}/ipsec.conf`, configuration);
  writeText(`${directory}/ipsec.secrets`, `: PSK "${SECRET}"\n`);
  const files = ["--config", `${directory}/ipsec.conf`, "--secretsfile", `${directory}/ipsec.secrets`];
  const places = ["--rundir", directory, "--nhelpers", "0", "--nofork", "--logfile", `${directory}/pluto.log`];
  const program = ["ip", "netns", "exec", node, "/usr/libexec/ipsec/pluto"];
  return spawn([...program, ...files, ...places], `${directory}/output.log`);
}

function isReady(node: string): boolean {
  return readText(`${runDirectoryOf(node)}/pluto.log`).includes("loading secrets from");
}

/** The running daemons of one topology. */
export interface IkeDaemons {
  /** The server's first. */
  readonly all: Daemon[];
}

/** Starts the server's daemon and every client's, and waits until each has read its configuration. */
export function startIke(topology: Topology, options: IkeOptions): IkeDaemons {
  must("rm -rf /run/nodes");
  const all = [startDaemon(SERVER, serverText(topology.clients, options))];
  for (const client of topology.clients) all.push(startDaemon(client.name, clientText(client, options)));
  for (const node of [SERVER, ...topology.clients.map((client) => client.name)]) awaitDaemon(node);
  return { all };
}

/** Starts one node's daemon, where the other nodes have others. */
export function startLibreswan(node: string, configuration: string): Daemon {
  const daemon = startDaemon(node, configuration);
  awaitDaemon(node);
  return daemon;
}

function awaitDaemon(node: string): void {
  if (waitUntil(() => isReady(node), READY_TIMEOUT_MS)) return;
  error(`libreswan of ${node} did not start:\n${readText(`${runDirectoryOf(node)}/pluto.log`)}`, 0);
}

export function stopIke(daemons: IkeDaemons): void {
  for (const daemon of daemons.all) stop(daemon, SIGTERM, STOP_TIMEOUT_MS);
}

/** The server goes down without a word and comes back with no memory. */
export function restartServer(
  daemons: IkeDaemons,
  clients: readonly Client[],
  options: IkeOptions,
  awayMs: number,
): void {
  killNow(daemons.all[0]);
  must(`ip -n ${SERVER} -b -`, "xfrm state flush\nxfrm policy flush\n");
  sleepMs(awayMs);
  daemons.all[0] = startLibreswan(SERVER, serverText(clients, options));
}

function whack(node: string, request: string): { status: number; output: string } {
  return run(
    `timeout ${UP_TIMEOUT_S} /usr/libexec/ipsec/whack --rundir ${runDirectoryOf(node)} --name ${TUNNEL} ${request}`,
  );
}

/** What came of negotiating a client's tunnel. */
export interface Negotiation {
  readonly isUp: boolean;
  /** What libreswan said, for the reader of a failure. */
  readonly output: string;
}

/** Negotiates the client's tunnel and waits for the outcome. */
export function bringUp(client: Client): Negotiation {
  const { output } = whack(client.name, "--initiate");
  return { isUp: spisOf(client) !== undefined, output };
}

export function takeDown(client: Client): void {
  whack(client.name, "--terminate");
}

/**
 * Negotiates a new epoch in the IKE session that is there. For IKEv1 libreswan 4.10 does nothing on `--rekey-ipsec` and
 * says that all is well; asking it to initiate what is up already makes it run quick mode again.
 */
export function rekeyEpoch(client: Client, version: IkeVersion): void {
  whack(client.name, version === 2 ? "--rekey-ipsec" : "--initiate");
}

/** Negotiates a new IKE SA. IKEv1 has no rekey of it: the session ends and a new one begins, with a new epoch. */
export function renewIke(client: Client, version: IkeVersion): void {
  if (version === 2) {
    whack(client.name, "--rekey-ike");
  } else {
    whack(client.name, "--terminate");
    whack(client.name, "--initiate");
  }
}

/** The SPIs of a client's tunnel, as hexadecimal text; of several epochs the newest. */
export interface Spis {
  readonly outgoing: string;
  readonly incoming: string;
}

/** Reads a client's newest pair of ESP SAs from its kernel; `undefined` without a full pair. */
export function spisOf(client: Client): Spis | undefined {
  const states = must(`ip -n ${client.name} xfrm state`);
  let outgoing: string | undefined;
  let incoming: string | undefined;
  // The kernel lists the newest first.
  for (const [source, spi] of string.gmatch(states, "src (%S+) dst %S+%s+proto esp spi 0x(%x+)")) {
    if (source === client.address) outgoing = outgoing ?? spi;
    else incoming = incoming ?? spi;
  }
  return outgoing === undefined || incoming === undefined ? undefined : { outgoing, incoming };
}

/** How many epochs a node's daemon has renewed, as it says in its log. */
export function renewalsOf(node: string): number {
  const [, count] = string.gsub(readText(`${runDirectoryOf(node)}/pluto.log`), "initiator rekeyed Child SA", "");
  return count;
}

/** The end of a node's own log, for the reader of a failure. */
export function logOf(node: string, lines: number): string {
  return run(`tail -n ${lines} ${runDirectoryOf(node)}/pluto.log`).output;
}
