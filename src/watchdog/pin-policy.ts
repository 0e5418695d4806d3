// SPDX-License-Identifier: GPL-2.0-only
// Pins as policies: what makes packets of a tunnel take one epoch and no other.
//
// A policy whose template names an SPI sends its packets by that SA, where the IKE daemon's own policy would take the
// newest. A pin stands beside the daemon's policy and goes before it by its priority. The kernel refuses two policies
// of one selector, so two pins share the work, each with half of the selector.

import { type Prefix, prefixMask } from "../wire/address";
import { toWord } from "../wire/word";
import {
  type Mark,
  type Mode,
  type Policy,
  type PolicyId,
  type PortMatch,
  PROTOCOL_ESP,
  type Selector,
  type Template,
} from "../system/xfrm-message";
import type { Peers } from "./epoch-pairing";

/** Before any policy of an IKE daemon: libreswan's and strongSwan's numbers have six digits. The lowest wins. */
const DATA_PRIORITY = 1000;
/** Before data. */
const PING_PRIORITY = 900;

const PROTOCOL_ICMP = 1;
const ADDRESS_BITS = 32;
const TOP_PORT_BIT = 0x8000;
const ANY_PORT: PortMatch = { value: 0, mask: 0 };

/** What a tunnel carries, and how it is pinged. */
export interface PinnedTunnel {
  readonly name: string;
  readonly traffic: Traffic;
  /** Inner addresses (words) of the ping; undefined: it is not pinged. */
  readonly ping: { readonly source: number; readonly target: number } | undefined;
}

/** Which packets the IKE daemon sends through a tunnel. */
export interface Traffic {
  readonly selectors: readonly Selector[];
  readonly mark: Mark | undefined;
  readonly interfaceId: number;
}

/** The outgoing SA of an epoch. */
export interface PinTarget {
  readonly peers: Peers;
  readonly outSpi: number;
  readonly mode: Mode;
  readonly mark: Mark | undefined;
}

/** The template that only this SA fits. */
export function templateOf({ peers, outSpi, mode }: PinTarget): Template {
  const { local, peer, reqid } = peers;
  return { source: local, destination: peer, spi: outSpi, protocol: PROTOCOL_ESP, mode, reqid };
}

/**
 * The outgoing traffic that the IKE daemon's policies give these peers; undefined without such a policy. Marks and
 * interface are those of the first: a daemon uses one for all of a tunnel.
 */
export function trafficOf(policies: readonly Policy[], peers: Peers): Traffic | undefined {
  const own = policies.filter((policy) => isDaemonPolicy(policy, peers));
  if (own.length === 0) return undefined;
  const [{ mark, interfaceId }] = own;
  return { selectors: own.map((policy) => policy.selector), mark, interfaceId };
}

function isDaemonPolicy(policy: Policy, { local, peer, reqid }: Peers): boolean {
  if (policy.direction !== "out" || isPin(policy)) return false;
  return policy.templates.some(
    (template) => template.source === local && template.destination === peer && template.reqid === reqid,
  );
}

/** Whether a policy can only be a pin: IKE daemons name no SPI, and let no policy end by itself. */
export function isPin({ direction, priority, templates, hardLifetimeSeconds }: Policy): boolean {
  if (direction !== "out" || (priority !== DATA_PRIORITY && priority !== PING_PRIORITY)) return false;
  return templates.length === 1 && templates[0].spi !== 0 && hardLifetimeSeconds !== Infinity;
}

/** The pins of a tunnel's data; a selector that no two can share has none. */
export function dataPins({ traffic }: PinnedTunnel, template: Template, leaseSeconds: number): Policy[] {
  return traffic.selectors.flatMap((selector) =>
    halves(selector).map((half) => pin(half, traffic, DATA_PRIORITY, template, leaseSeconds)),
  );
}

/** The pin of a tunnel's pings and of the answers to the peer's. */
export function pingPin({ traffic, ping }: PinnedTunnel, template: Template, leaseSeconds: number): Policy | undefined {
  if (ping === undefined) return undefined;
  const selector: Selector = {
    source: { network: ping.source, lengthBits: ADDRESS_BITS },
    destination: { network: ping.target, lengthBits: ADDRESS_BITS },
    protocol: PROTOCOL_ICMP,
    sourcePort: ANY_PORT,
    destinationPort: ANY_PORT,
  };
  return pin(selector, traffic, PING_PRIORITY, template, leaseSeconds);
}

function pin(
  selector: Selector,
  { mark, interfaceId }: Traffic,
  priority: number,
  template: Template,
  leaseSeconds: number,
): Policy {
  return {
    selector,
    direction: "out",
    mark,
    interfaceId,
    priority,
    isBlocking: false,
    templates: [template],
    hardLifetimeSeconds: leaseSeconds,
  };
}

/**
 * Two selectors that together match what one does. By the top bit of a port where ports are free: no IKE daemon ever
 * asks for half of the ports, while half of a prefix may be another tunnel's. Protocols without ports have port 0 to
 * the kernel. Empty when the selector leaves nothing open, so that it matches a single connection.
 */
export function halves(selector: Selector): Selector[] {
  const { source, destination, sourcePort, destinationPort } = selector;
  if (destinationPort.mask === 0) return halfPorts.map((port) => ({ ...selector, destinationPort: port }));
  if (sourcePort.mask === 0) return halfPorts.map((port) => ({ ...selector, sourcePort: port }));
  if (destination.lengthBits < ADDRESS_BITS) {
    return halfPrefixes(destination).map((prefix) => ({ ...selector, destination: prefix }));
  }
  return halfPrefixes(source).map((prefix) => ({ ...selector, source: prefix }));
}

const halfPorts: readonly PortMatch[] = [
  { value: 0, mask: TOP_PORT_BIT },
  { value: TOP_PORT_BIT, mask: TOP_PORT_BIT },
];

function halfPrefixes({ network, lengthBits }: Prefix): Prefix[] {
  if (lengthBits >= ADDRESS_BITS) return [];
  const longer = lengthBits + 1;
  const upper = toWord(network | (prefixMask(longer) & ~prefixMask(lengthBits)));
  return [
    { network, lengthBits: longer },
    { network: upper, lengthBits: longer },
  ];
}

/** Names what the kernel tells policies apart by. */
export function pinName({ selector, mark, interfaceId }: PolicyId): string {
  const { source, destination, protocol, sourcePort, destinationPort } = selector;
  const addresses = `${source.network}/${source.lengthBits} ${destination.network}/${destination.lengthBits}`;
  const ports = `${sourcePort.value}/${sourcePort.mask} ${destinationPort.value}/${destinationPort.mask}`;
  return `${addresses} ${protocol} ${ports} ${mark?.value ?? 0}/${mark?.mask ?? 0} ${interfaceId}`;
}

export function isSameTemplate(one: Template, other: Template): boolean {
  return (
    one.spi === other.spi &&
    one.source === other.source &&
    one.destination === other.destination &&
    one.reqid === other.reqid &&
    one.mode === other.mode
  );
}

export function isSameMark(one: Mark | undefined, other: Mark | undefined): boolean {
  return one?.value === other?.value && one?.mask === other?.mask;
}
