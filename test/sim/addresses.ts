// SPDX-License-Identifier: GPL-2.0-only
// Who is who in the simulator: numbers become addresses (RFC 1918, RFC 5737), and addresses the names of a trace.

import { address } from "../spec/frame";

const LAN = address("192.168.1.0");
const SERVERS = address("198.51.100.0");
const WAN = address("203.0.113.0");
const HOST_MASK = 0xff;
/** Hosts of the LAN are numbered from here, so that .1 is the router's. */
const FIRST_HOST = 2;

/** The number of the client that is none. */
export const ADVERSARY = 200;

export const CLIENT_NETWORK = { network: LAN, lengthBits: 24 };

export function clientAddress(number: number): number {
  return LAN + FIRST_HOST + number;
}

export function serverAddress(number: number): number {
  return SERVERS + 1 + number;
}

/** The public address of the router, which may change, or of another router. */
export function wanAddress(number: number): number {
  return WAN + 1 + number;
}

/** The number that {@link clientAddress} was given; undefined when it is no client's address. */
export function clientNumber(word: number): number | undefined {
  return (word & ~HOST_MASK) === LAN ? (word & HOST_MASK) - FIRST_HOST : undefined;
}

export function serverNumber(word: number): number | undefined {
  return (word & ~HOST_MASK) === SERVERS ? (word & HOST_MASK) - 1 : undefined;
}
