// SPDX-License-Identifier: GPL-2.0-only
// The three flow tables of `scope all` behind one face: TCP, UDP, and ICMP queries, whose identifier serves as a port.

import type { IcmpView } from "../wire/icmp";
import { Protocol } from "../wire/ipv4";
import { type Filtering, FlowTable, icmpFlowLimits, tcpFlowLimits, udpFlowLimits } from "./flows";
import type { Limits } from "./limits";
import { DEFAULT_PORTS, ICMP_IDENTIFIERS } from "./ports";
import type { Verdict } from "./verdict";

/** A fraction of each table is looked at in every call of {@link FlowTables.expire}: all of it in five seconds. */
const SWEEP_SHARE = 50;

export class FlowTables {
  readonly tcp: FlowTable;
  readonly udp: FlowTable;
  readonly icmp: FlowTable;
  private readonly tcpBudget: number;
  private readonly icmpBudget: number;

  constructor(limits: Limits, filtering: Filtering, seed: number) {
    const tcp = tcpFlowLimits(limits);
    const icmp = icmpFlowLimits(limits);
    this.tcp = new FlowTable({ isTcp: true, limits: tcp, ports: DEFAULT_PORTS, filtering, seed });
    this.udp = new FlowTable({ isTcp: false, limits: udpFlowLimits(limits), ports: DEFAULT_PORTS, filtering, seed });
    this.icmp = new FlowTable({ isTcp: false, limits: icmp, ports: ICMP_IDENTIFIERS, filtering, seed });
    this.tcpBudget = Math.ceil(tcp.sessionsMax / SWEEP_SHARE);
    this.icmpBudget = Math.ceil(icmp.sessionsMax / SWEEP_SHARE);
  }

  /** The table of a protocol that has ports or identifiers. */
  of(protocol: number): FlowTable {
    if (protocol === Protocol.Tcp) return this.tcp;
    return protocol === Protocol.Udp ? this.udp : this.icmp;
  }

  /** An ICMP error from the WAN about a packet that a client sent. */
  inboundError(error: IcmpView, verdict: Verdict): void {
    const embedded = error.embedded;
    const [sourcePort, destinationPort] = quotedPorts(error);
    this.of(embedded.protocol()).errorFromWan(embedded.destination(), destinationPort, sourcePort, verdict);
  }

  /** An ICMP error from the LAN about a packet that was delivered there. */
  outboundError(error: IcmpView, verdict: Verdict): void {
    const embedded = error.embedded;
    const [, destinationPort] = quotedPorts(error);
    const isQuery = embedded.protocol() === Protocol.Icmp;
    const clientPort = isQuery ? error.embeddedQueryIdentifier() : destinationPort;
    this.of(embedded.protocol()).errorFromLan(embedded.destination(), clientPort, embedded.source(), verdict);
  }

  expire(nowMs: number): void {
    this.tcp.expire(nowMs, this.tcpBudget);
    this.udp.expire(nowMs, this.tcpBudget);
    this.icmp.expire(nowMs, this.icmpBudget);
  }

  /** The WAN has another address: nothing that was mapped to the old one can be answered. */
  wanChanged(): void {
    this.tcp.wanChanged();
    this.udp.wanChanged();
    this.icmp.wanChanged();
  }

  memoryBytes(): number {
    return this.tcp.memoryBytes() + this.udp.memoryBytes() + this.icmp.memoryBytes();
  }
}

/** The ports of the packet that an error quotes; of an ICMP query its identifier as the source port. */
function quotedPorts(error: IcmpView): LuaMultiReturn<[number, number]> {
  if (error.embedded.protocol() === Protocol.Icmp) return $multi(error.embeddedQueryIdentifier(), 0);
  return $multi(error.embeddedSourcePort(), error.embeddedDestinationPort());
}
