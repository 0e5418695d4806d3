// SPDX-License-Identifier: GPL-2.0-only
// The router of the lab: the kernel's own masquerade, or vpnmasq as a user starts it.
//
// vpnmasq normally keeps the kernel off its packets by an nftables table. User-Mode Linux has no nftables for IPv4, so
// the lab sets equivalent rules by iptables and tells vpnmasq so (`kernel_rules: none`): the raw table drops what the
// router takes, after the packet sockets have seen it.

import { waitUntil } from "./clock";
import { json } from "./json";
import { type Daemon, isRunning, killNow, must, readText, run, spawn, stop, writeText } from "./shell";
import { SIGTERM } from "./libc";
import { LAN_INTERFACE, ROUTER, WAN_INTERFACE } from "./topology";

const PROGRAM = "/lab/build/vpnmasq";
/** Each router's own. */
const stateDirectoryOf = (node: string): string => `/run/vpnmasq-${node}`;
const controlOf = (node: string): string => `${stateDirectoryOf(node)}/control.sock`;
const configurationOf = (node: string): string => `/run/vpnmasq-${node}.json`;
const logOf = (node: string): string => `/run/vpnmasq-${node}.log`;
const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3000;

/** Forwarding and masquerade as a stock Linux router does it, with connection tracking. */
export function useStockMasquerade(): void {
  must(
    `ip netns exec ${ROUTER} sh -c '` +
      `sysctl -qw net.ipv4.ip_forward=1; iptables-legacy -t nat -A POSTROUTING -o ${WAN_INTERFACE} -j MASQUERADE'`,
  );
}

/** What the kernel is not to answer, forward or reassemble beside vpnmasq. */
const KERNEL_RULES = `*raw
-A PREROUTING -p esp -j DROP
-A PREROUTING -p udp --dport 500 -j DROP
-A PREROUTING -p udp --sport 500 -j DROP
-A PREROUTING -p udp -f -j DROP
COMMIT`;

/** Keys of the router's configuration that scenarios set; their meaning is in docs/configuration.md. */
export interface RouterSettings {
  readonly algorithm?: "published";
  readonly nat_loss_watch?: boolean;
  readonly limits?: {
    readonly esp_outstanding_ms?: number;
    readonly esp_idle_ms?: number;
    readonly esp_unconfirmed_idle_ms?: number;
  };
}

/** Starts vpnmasq in a router's namespace and waits until it answers on its control socket. */
export function startVpnmasq(settings: RouterSettings = {}, node = ROUTER): Daemon {
  const configuration = {
    lan: LAN_INTERFACE,
    wan: WAN_INTERFACE,
    scope: "vpn",
    kernel_rules: "none",
    control: controlOf(node),
    state_directory: stateDirectoryOf(node),
    ...settings,
  };
  wipeSnapshot(node);
  must(`ip netns exec ${node} iptables-legacy-restore`, KERNEL_RULES);
  writeText(configurationOf(node), json.encode(configuration));
  return restartVpnmasq(node);
}

/** Starts the program again where the rules and the configuration are still there. */
export function restartVpnmasq(node = ROUTER): Daemon {
  const argv = ["ip", "netns", "exec", node, PROGRAM, "router", "--config", configurationOf(node)];
  const router = spawn(argv, logOf(node));
  const isReady = waitUntil(
    () => !isRunning(router) || run(`${PROGRAM} status --control ${controlOf(node)}`).status === 0,
    READY_TIMEOUT_MS,
  );
  if (!isReady || !isRunning(router)) error(`vpnmasq did not start:\n${readText(logOf(node))}`, 0);
  return router;
}

export function killVpnmasq(router: Daemon): void {
  killNow(router);
}

export function stopVpnmasq(router: Daemon): void {
  stop(router, SIGTERM, STOP_TIMEOUT_MS);
}

/** Takes away what vpnmasq keeps over its own death: the snapshot of its table. */
export function wipeSnapshot(node = ROUTER): void {
  must(`rm -rf ${stateDirectoryOf(node)} && mkdir -p ${stateDirectoryOf(node)}`);
}

/** What a command such as "table" or "counters --json" prints. */
export function askVpnmasq(command: string, node = ROUTER): string {
  return run(`${PROGRAM} ${command} --control ${controlOf(node)}`).output;
}

export function vpnmasqLog(node = ROUTER): string {
  return readText(logOf(node));
}
