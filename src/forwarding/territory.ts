// SPDX-License-Identifier: GPL-2.0-only
// What is ours and what is the kernel's, as one value: the socket filters and the kernel's rules are made from it.

import { DEFAULT_PORTS } from "../masquerade/ports";

export interface Territory {
  /** IKE and ESP only, or everything that clients send. */
  readonly scope: "vpn" | "all";
  readonly lanName: string;
  readonly wanName: string;
  /** The router's own addresses (words): what clients send there is for the router itself. */
  readonly localAddresses: readonly number[];
  /** The address that clients share (a word); undefined while the WAN has none. */
  readonly wanAddress: number | undefined;
  /** IPsec peers of the router itself (words): their packets stay with the kernel. */
  readonly ownPeers: readonly number[];
  /** Services of the router that are reachable from the WAN. */
  readonly ownTcpPorts: readonly number[];
  readonly ownUdpPorts: readonly number[];
}

/**
 * In `scope all` clients get the ports of {@link DEFAULT_PORTS} and the router keeps those above for its own
 * connections. Linux clients choose theirs from 32768–60999 (net.ipv4.ip_local_port_range): nearly all keep their port.
 */
export const CLIENT_PORTS_FIRST = DEFAULT_PORTS.wellKnown.first;
export const OWN_PORTS_FIRST = DEFAULT_PORTS.others.last + 1;
export const OWN_PORTS_LAST = 65535;

/** Whether two values would give the same filters and rules. */
export function isSameTerritory(one: Territory, other: Territory): boolean {
  return (
    one.wanAddress === other.wanAddress &&
    one.scope === other.scope &&
    one.lanName === other.lanName &&
    one.wanName === other.wanName &&
    sameList(one.localAddresses, other.localAddresses) &&
    sameList(one.ownPeers, other.ownPeers) &&
    sameList(one.ownTcpPorts, other.ownTcpPorts) &&
    sameList(one.ownUdpPorts, other.ownUdpPorts)
  );
}

function sameList(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
