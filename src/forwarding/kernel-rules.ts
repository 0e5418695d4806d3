// SPDX-License-Identifier: GPL-2.0-only
// The nftables table that keeps the kernel's hands off our packets, as text for `nft -f`.
//
// Packet sockets see a frame before netdev ingress does; what is dropped there is gone for the kernel: no answer
// (protocol unreachable, port unreachable), no connection tracking, no second translation. The text replaces the table
// in one transaction. Source: nft(8), "Netdev family".
//
// What tc redirects to an ifb at ingress, as SQM does, passes our taps first, but not netdev ingress when it comes back from
// there. So the WAN's rules stand a second time where the kernel's IPv4 begins. Not for a bridge: with br_netfilter that is
// before its taps. Source: net/core/dev.c, __netif_receive_skb_core(), skb_skip_tc_classify().

import { formatAddress } from "../wire/address";
import { ISAKMP_PORT } from "../wire/isakmp";
import { CLIENT_PORTS_FIRST, OWN_PORTS_FIRST, type Territory } from "./territory";

export const RULES_TABLE = "vpnmasq";
/** The families that have a table of this name. */
export const RULES_FAMILIES = ["netdev", "ip"] as const;

/** Before everything else: at ingress (`filter` is 0) flow tables, then the collecting of fragments (-400). */
const PRIORITY = -500;

/** The name of the empty chain that says whose a table is. */
export function ownerChain(owner: string): string {
  return `owner_${owner}`;
}

/**
 * The whole table for a territory.
 * @param lanPresent, wanPresent a chain on an interface that is not there would fail the transaction
 * @param owner letters and digits of this process alone: who cleans up after it must not take its successor's table
 */
export function kernelRules(territory: Territory, lanPresent: boolean, wanPresent: boolean, owner: string): string {
  const { lanName, wanName } = territory;
  const wan = wanPresent ? wanRules(territory) : [];
  const lines = [
    ...(lanPresent ? chain("lan", lanName, lanRules(territory)) : []),
    ...(wanPresent ? chain("wan", wanName, wan) : []),
  ];
  const late = [`iifname != "${wanName}" accept`, 'meta iifkind "bridge" accept', ...wan];
  const lateLines = wanPresent ? baseChain("wan", "prerouting", late) : [];
  return `${[...table("netdev", owner, lines), ...table("ip", owner, lateLines)].join("\n")}\n`;
}

function table(family: (typeof RULES_FAMILIES)[number], owner: string, chains: readonly string[]): string[] {
  const name = `table ${family} ${RULES_TABLE}`;
  return [`add ${name}`, `delete ${name}`, `${name} {`, `  chain ${ownerChain(owner)} { }`, ...chains, "}"];
}

function chain(name: string, device: string, rules: string[]): string[] {
  // Neither enters our rings: what is not sent to us, and what belongs to a VLAN's interface above this one.
  return baseChain(name, `ingress device "${device}"`, [
    "meta pkttype != host accept",
    "vlan id != 0 accept",
    ...rules,
  ]);
}

function baseChain(name: string, hook: string, rules: readonly string[]): string[] {
  return [
    `  chain ${name} {`,
    `    type filter hook ${hook} priority ${PRIORITY}; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    "  }",
  ];
}

function lanRules(territory: Territory): string[] {
  const ownOnes =
    territory.scope === "all"
      ? territory.localAddresses.filter((one) => one !== territory.wanAddress)
      : territory.localAddresses;
  const rules = ["ip daddr 224.0.0.0-255.255.255.255 accept"];
  const kept = [...ownOnes, ...territory.ownPeers];
  if (kept.length > 0) rules.push(`ip daddr ${set(kept.map((address) => formatAddress(address)))} accept`);
  if (territory.scope === "vpn") {
    return [
      ...rules,
      "ip protocol esp drop",
      `udp dport ${ISAKMP_PORT} drop`,
      // Errors about IKE and ESP that we delivered; @th counts bits from the ICMP header: byte 17 is the quoted
      // packet's protocol, bytes 28 and 29 are its source port.
      "icmp type { 3, 11, 12 } @th,136,8 50 drop",
      `icmp type { 3, 11, 12 } @th,136,8 17 @th,224,16 ${ISAKMP_PORT} drop`,
    ];
  }
  if (territory.wanAddress !== undefined) {
    const wan = formatAddress(territory.wanAddress);
    const owned = ownPorts(territory.ownTcpPorts);
    rules.push(`ip daddr ${wan} tcp dport ${owned} accept`);
    rules.push(`ip daddr ${wan} udp dport ${ownPorts(territory.ownUdpPorts)} accept`);
    rules.push(`ip daddr ${wan} icmp type echo-request accept`);
  }
  return [...rules, "ip protocol { icmp, tcp, udp, esp } drop"];
}

function wanRules(territory: Territory): string[] {
  if (territory.wanAddress === undefined) return [];
  const rules: string[] = [];
  const peers = territory.ownPeers.map((address) => formatAddress(address));
  if (peers.length > 0) rules.push(`ip saddr ${set(peers)} accept`);
  const toUs = `ip daddr ${formatAddress(territory.wanAddress)}`;
  rules.push(`${toUs} ip protocol esp drop`, `${toUs} udp sport ${ISAKMP_PORT} drop`);
  if (territory.scope === "all") {
    rules.push(
      `${toUs} tcp dport ${ownPorts(territory.ownTcpPorts)} accept`,
      `${toUs} udp dport ${ownPorts(territory.ownUdpPorts)} accept`,
      `${toUs} tcp dport >= ${CLIENT_PORTS_FIRST} drop`,
      `${toUs} udp dport >= ${CLIENT_PORTS_FIRST} drop`,
    );
  }
  return rules;
}

function ownPorts(services: readonly number[]): string {
  const below = services.filter((port) => port < OWN_PORTS_FIRST).map((port) => `${port}`);
  return set([...below, `${OWN_PORTS_FIRST}-65535`]);
}

function set(elements: readonly string[]): string {
  return `{ ${elements.join(", ")} }`;
}
