// SPDX-License-Identifier: GPL-2.0-only
// OpenIKED as the server of one client: the only IKE daemon here that can be told to take no part in NAT traversal (-T),
// without which strongSwan would go to UDP 4500.

import { sleepMs, waitUntil } from "./clock";
import { runDirectoryOf, SECRET } from "./libreswan";
import { type Daemon, isRunning, killNow, must, readText, run, spawn, writeText } from "./shell";
import type { Proposals } from "./strongswan";
import { type Client, SERVER, SERVER_ADDRESS, SERVER_INNER_SUBNET } from "./topology";

const READY_TIMEOUT_MS = 10_000;
/** Its processes go on exchanging their configuration for a moment and then drop the sessions that there are (seen). */
const SETTLE_MS = 1000;

/** What a client may propose: OpenIKED's SHA-2 for ESP is cut to another length than Linux expects. */
export const OPENIKED_PROPOSALS: Proposals = { ike: "aes256-sha256-modp2048", esp: "aes256-sha1" };

function configurationText(client: Client): string {
  const lines = [
    "set nomobike",
    `ikev2 "${client.name}" passive esp`,
    `from ${SERVER_INNER_SUBNET} to ${client.innerAddress}/32`,
    `local ${SERVER_ADDRESS} peer any`,
    "ikesa enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048",
    "childsa enc aes-256 auth hmac-sha1",
    `srcid ${SERVER} dstid ${client.name} psk "${SECRET}"`,
  ];
  return `${lines[0]}\n${lines.slice(1).join(" \\\n  ")}\n`;
}

function fileOf(name: string): string {
  return `${runDirectoryOf(SERVER)}/${name}`;
}

/** Starts the server's daemon and waits until it can be spoken to: before, it takes messages and loses its sessions. */
export function startOpenIked(client: Client): Daemon {
  must(`mkdir -p ${runDirectoryOf(SERVER)}`);
  writeText(fileOf("iked.conf"), configurationText(client));
  must(`chmod 600 ${fileOf("iked.conf")}`);
  const words = ["iked", "-d", "-v", "-T", "-f", fileOf("iked.conf"), "-s", fileOf("iked.sock")];
  const daemon = spawn(["ip", "netns", "exec", SERVER, ...words], fileOf("iked.log"));
  const isReady = waitUntil(() => !isRunning(daemon) || isAnswering(client), READY_TIMEOUT_MS);
  sleepMs(SETTLE_MS);
  if (!isReady || !isRunning(daemon)) error(`OpenIKED did not start:\n${openIkedLog()}`, 0);
  return daemon;
}

function isAnswering({ name }: Client): boolean {
  if (!openIkedLog().includes(`ikev2 "${name}"`)) return false;
  return run(`timeout 1 ikectl -s ${fileOf("iked.sock")} show sa`).status === 0;
}

/** The server goes down without a word and comes back with no memory. */
export function restartOpenIked(daemon: Daemon, client: Client): Daemon {
  killNow(daemon);
  must(`ip -n ${SERVER} -b -`, "xfrm state flush\nxfrm policy flush\n");
  // Its children end a moment later, and the next one needs their port and log.
  waitUntil(() => !must(`ip netns exec ${SERVER} cat /proc/net/udp`).includes(":01F4 "), READY_TIMEOUT_MS);
  must(`rm -f ${fileOf("iked.log")} ${fileOf("iked.sock")}`);
  return startOpenIked(client);
}

export function openIkedLog(): string {
  return readText(fileOf("iked.log"));
}
