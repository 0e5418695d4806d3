// SPDX-License-Identifier: GPL-2.0-only
// Which configured tunnel an epoch of the kernel belongs to.
//
// A server sees all clients behind one NAT at one address, so the outer addresses are not enough; what tells tunnels
// apart is which inner packets the IKE daemon's policies give them.

import type { Policy, Selector } from "../system/xfrm-message";
import { type Prefix, prefixHolds } from "../wire/address";
import type { Peers } from "./epoch-pairing";
import { type Traffic, trafficOf } from "./pin-policy";
import type { PingPath } from "./pinger";

/** What is known of a tunnel before it is there. */
export interface TunnelDescription {
  /** Outer addresses (words); undefined: any. */
  readonly local: number | undefined;
  readonly peer: number | undefined;
  /** What it carries; both empty: what the daemon's policies say. */
  readonly localNetworks: readonly Prefix[];
  readonly remoteNetworks: readonly Prefix[];
  readonly ping: PingPath | undefined;
}

/** Whether the outer addresses are those of the tunnel. */
export function arePeersOf({ local, peer }: TunnelDescription, peers: Peers): boolean {
  return (local ?? peers.local) === peers.local && (peer ?? peers.peer) === peers.peer;
}

/**
 * The tunnel of an epoch; undefined while that is not clear.
 * @param policies all of the kernel's
 */
export function tunnelOf<Tunnel extends TunnelDescription>(
  tunnels: readonly Tunnel[],
  peers: Peers,
  policies: readonly Policy[],
): Tunnel | undefined {
  const candidates = tunnels.filter((tunnel) => arePeersOf(tunnel, peers));
  const traffic = trafficOf(policies, peers);
  if (traffic !== undefined) return candidates.find((tunnel) => carries(tunnel, traffic));
  // SAs are there a moment before their policies.
  return candidates.length === 1 ? candidates[0] : undefined;
}

function carries({ localNetworks, remoteNetworks, ping }: TunnelDescription, { selectors }: Traffic): boolean {
  if (remoteNetworks.length > 0) {
    return selectors.some(
      ({ source, destination }) => overlapAny(source, localNetworks) && overlapAny(destination, remoteNetworks),
    );
  }
  if (ping === undefined) return true;
  return selectors.some(
    ({ source, destination }) => prefixHolds(source, ping.source) && prefixHolds(destination, ping.target),
  );
}

function overlapAny(one: Prefix, others: readonly Prefix[]): boolean {
  return others.some((other) => prefixHolds(one, other.network) || prefixHolds(other, one.network));
}

/** What the tunnel carries: as configured, else as the daemon's policies for these peers say; undefined: not known. */
export function trafficFor(
  { localNetworks, remoteNetworks }: TunnelDescription,
  peers: Peers | undefined,
  policies: readonly Policy[],
): Traffic | undefined {
  const own = peers === undefined ? undefined : trafficOf(policies, peers);
  if (remoteNetworks.length === 0) return own;
  const selectors = localNetworks.flatMap((source) =>
    remoteNetworks.map((destination) => everythingBetween(source, destination)),
  );
  return { selectors, mark: own?.mark, interfaceId: own?.interfaceId ?? 0 };
}

function everythingBetween(source: Prefix, destination: Prefix): Selector {
  const anyPort = { value: 0, mask: 0 };
  return { source, destination, protocol: 0, sourcePort: anyPort, destinationPort: anyPort };
}
