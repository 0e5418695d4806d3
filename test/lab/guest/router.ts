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
const STATE_DIRECTORY = "/run/vpnmasq";
const CONTROL = `${STATE_DIRECTORY}/control.sock`;
const CONFIGURATION = "/run/vpnmasq.json";
const LOG = "/run/vpnmasq.log";
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

/** Starts vpnmasq in the router's namespace and waits until it answers on its control socket. */
export function startVpnmasq(): Daemon {
  const configuration = {
    lan: LAN_INTERFACE,
    wan: WAN_INTERFACE,
    scope: "vpn",
    kernel_rules: "none",
    control: CONTROL,
    state_directory: STATE_DIRECTORY,
  };
  must(`mkdir -p ${STATE_DIRECTORY}`);
  must(`ip netns exec ${ROUTER} iptables-legacy-restore`, KERNEL_RULES);
  writeText(CONFIGURATION, json.encode(configuration));
  return restartVpnmasq();
}

/** Starts the program again where the rules and the configuration are still there. */
export function restartVpnmasq(): Daemon {
  const router = spawn(["ip", "netns", "exec", ROUTER, PROGRAM, "router", "--config", CONFIGURATION], LOG);
  const isReady = waitUntil(
    () => !isRunning(router) || run(`${PROGRAM} status --control ${CONTROL}`).status === 0,
    READY_TIMEOUT_MS,
  );
  if (!isReady || !isRunning(router)) error(`vpnmasq did not start:\n${readText(LOG)}`, 0);
  return router;
}

export function killVpnmasq(router: Daemon): void {
  killNow(router);
}

export function stopVpnmasq(router: Daemon): void {
  stop(router, SIGTERM, STOP_TIMEOUT_MS);
}

/** Takes away what vpnmasq keeps over its own death: the snapshot of its table. */
export function wipeSnapshot(): void {
  must(`rm -rf ${STATE_DIRECTORY} && mkdir -p ${STATE_DIRECTORY}`);
}

/** What a command such as "table" or "counters --json" prints. */
export function askVpnmasq(command: string): string {
  return run(`${PROGRAM} ${command} --control ${CONTROL}`).output;
}

export function vpnmasqLog(): string {
  return readText(LOG);
}
