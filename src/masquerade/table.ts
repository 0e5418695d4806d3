// SPDX-License-Identifier: GPL-2.0-only
// THE TABLE: decides about every packet that passes between the clients and their servers.
//
//     LAN ── decideOutbound ──▶ verdict ── rewriteOutbound ──▶ WAN
//     LAN ◀── rewriteInbound ── verdict ◀── decideInbound ──── WAN
//
// Deciding reads the packet and changes the trackers' state; rewriting changes the packet. Between the two the
// forwarding layer checks what it alone knows: the route, the link, its MTU. Everything here is pure: the bytes and the
// time are arguments, the decision is data (docs/theory.md tells the whole story).
//
// Of IKE and ESP only the addresses are translated: ports, cookies and SPIs are authenticated or insisted upon.

import type { Bytes } from "../wire/bytes";
import { EspView } from "../wire/esp";
import { IcmpView } from "../wire/icmp";
import { Ipv4View, Protocol } from "../wire/ipv4";
import { ISAKMP_PORT, IsakmpView } from "../wire/isakmp";
import { TcpView } from "../wire/tcp";
import { UdpView } from "../wire/udp";
import { ClientNetworks } from "./client-networks";
import { type EspAlgorithm, EspTracker } from "./esp";
import { NO_SPI } from "./esp-record";
import { FlowTables } from "./flow-tables";
import type { Filtering } from "./flows";
import { FragmentTracker } from "./fragments";
import { IcmpErrorTracker } from "./icmp-errors";
import { IkeTracker } from "./ike";
import { NO_RECORD } from "./key-index";
import type { Limits } from "./limits";
import type { Reason } from "./reason";
import { Releases } from "./releases";
import { Action, Verdict } from "./verdict";

export interface TableOptions {
  limits: Limits;
  /** What is ours: IKE and ESP, or everything. */
  scope: "vpn" | "all";
  /** Who may send to a mapped port (RFC 4787 §5): peers the client has sent to, or anybody. */
  filtering: Filtering;
  /** How ESP is told apart: with our extensions, or exactly as VPN Masquerade was published. */
  algorithm: EspAlgorithm;
  /** A random word: look-ups and ports are not to be guessed from outside. */
  seed: number;
}

/** No address: nothing is ever sent from or to 0.0.0.0 through a router. */
export const NO_ADDRESS = 0;

/** What the last decision was about: rewriting follows it. */
const enum Kind {
  /** ESP, or a later fragment: nothing but the address changes. */
  AddressOnly,
  Udp,
  Tcp,
  IcmpQuery,
  IcmpError,
}

export class Table {
  readonly verdict: Verdict;
  readonly releases = new Releases();
  readonly clients = new ClientNetworks();
  readonly esp: EspTracker;
  readonly ike: IkeTracker;
  /** Only in `scope all`. */
  readonly flows: FlowTables | undefined;
  readonly fragments: FragmentTracker;
  /** The packet that was decided last. */
  readonly packet = new Ipv4View();
  /** The public address of our side, a word; {@link NO_ADDRESS} while the WAN has none. */
  wanAddress = NO_ADDRESS;

  /** The packet goes from one client to another's mapped port, in and out of the LAN ({@link rewriteHairpin}). */
  isHairpin = false;
  /** The SPI of the packet that was decided last (a word), {@link NO_SPI} when it is not ESP. */
  spi = NO_SPI;

  private kind: Kind = Kind.AddressOnly;
  private hairpinPort = NO_RECORD;
  private readonly espView = new EspView();
  private readonly udpView = new UdpView();
  private readonly tcpView = new TcpView();
  private readonly icmpView = new IcmpView();
  private readonly isakmpView = new IsakmpView();
  private readonly icmpErrors: IcmpErrorTracker;

  constructor(options: TableOptions) {
    const limits = options.limits;
    this.verdict = new Verdict(limits.multicastClientsMax);
    this.ike = new IkeTracker(limits, this.releases);
    this.esp = new EspTracker(limits, this.ike, this.releases, options.seed, options.algorithm);
    this.flows = options.scope === "all" ? new FlowTables(limits, options.filtering, options.seed) : undefined;
    this.fragments = new FragmentTracker(limits, this.releases, options.seed);
    this.icmpErrors = new IcmpErrorTracker(limits, this.esp, this.ike, this.flows);
  }

  /** Decides about a packet from the LAN that starts at `at` and of which `availableBytes` are there. */
  decideOutbound(frame: Bytes, at: number, availableBytes: number, nowMs: number): void {
    const packet = this.packet;
    const fault = packet.attach(frame, at, availableBytes);
    this.isHairpin = false;
    this.spi = NO_SPI;
    if (fault !== undefined) this.verdict.drop(fault);
    else if (!this.clients.holds(packet.source())) this.verdict.drop("not-a-client");
    else if (this.wanAddress === NO_ADDRESS) this.verdict.drop("link-down");
    else if (packet.timeToLive() <= 1) this.verdict.drop("ttl-expired");
    else if (packet.protocol() === Protocol.Esp && !packet.isFragment()) this.decideOutboundEsp(nowMs);
    else if (!packet.isFragment()) this.decideOutboundOther(nowMs);
    else this.decideOutboundFragment(nowMs);
  }

  /** Decides about a packet from the WAN, likewise. */
  decideInbound(frame: Bytes, at: number, availableBytes: number, nowMs: number): void {
    const packet = this.packet;
    const fault = packet.attach(frame, at, availableBytes);
    this.spi = NO_SPI;
    if (fault !== undefined) this.verdict.drop(fault);
    else if (packet.destination() !== this.wanAddress) this.verdict.drop("not-ours");
    else if (this.clients.holds(packet.source())) this.verdict.drop("spoofed-source");
    else if (packet.timeToLive() <= 1) this.verdict.drop("ttl-expired");
    else if (packet.protocol() === Protocol.Esp && !packet.isFragment()) this.decideInboundEsp(nowMs);
    else if (!packet.isFragment()) this.decideInboundOther(nowMs);
    else this.decideInboundFragment(nowMs);
  }

  /** Makes the packet that {@link decideOutbound} lets pass come from the WAN address. */
  rewriteOutbound(): void {
    const packet = this.packet;
    const verdict = this.verdict;
    const client = packet.source();
    if (this.kind === Kind.Udp) {
      this.udpView.applyAddressChange(client, this.wanAddress);
      if (verdict.port !== 0) this.udpView.setSourcePort(verdict.port);
    } else if (this.kind === Kind.Tcp) {
      this.tcpView.applyAddressChange(client, this.wanAddress);
      if (verdict.port !== 0) this.tcpView.setSourcePort(verdict.port);
    } else if (this.kind === Kind.IcmpQuery) {
      this.icmpView.setQueryIdentifier(verdict.port);
    } else if (this.kind === Kind.IcmpError) {
      this.rewriteOutboundError();
    }
    if (verdict.identification !== undefined) packet.setIdentification(verdict.identification);
    packet.setSource(this.wanAddress);
    packet.decrementTimeToLive();
  }

  /**
   * Makes the packet that {@link decideInbound} lets pass go to `client`. For a multicast, called for each receiver in
   * turn on the same bytes; the time to live is {@link Ipv4View.decrementTimeToLive}'s business, once.
   *
   * @param port the client's port; 0 leaves it
   */
  rewriteInbound(client: number, port: number): void {
    const packet = this.packet;
    const before = packet.destination();
    if (this.kind === Kind.Udp) {
      this.udpView.applyAddressChange(before, client);
      if (port !== 0) this.udpView.setDestinationPort(port);
    } else if (this.kind === Kind.Tcp) {
      this.tcpView.applyAddressChange(before, client);
      if (port !== 0) this.tcpView.setDestinationPort(port);
    } else if (this.kind === Kind.IcmpQuery) {
      this.icmpView.setQueryIdentifier(port);
    } else if (this.kind === Kind.IcmpError) {
      this.rewriteInboundError(client, port);
    }
    packet.setDestination(client);
  }

  /** Makes the packet go to another client as if its sender were outside (RFC 4787 REQ-9a). */
  rewriteHairpin(): void {
    const verdict = this.verdict;
    const receiverPort = verdict.port;
    verdict.port = this.hairpinPort;
    this.rewriteOutbound();
    this.rewriteInbound(verdict.client, receiverPort);
  }

  /** Ends waits that lasted too long, forgets what is idle; call about ten times a second. */
  expire(nowMs: number): void {
    this.esp.expire(nowMs);
    this.ike.expire(nowMs);
    this.fragments.expire(nowMs);
    if (this.flows !== undefined) this.flows.expire(nowMs);
  }

  // From the LAN

  private decideOutboundEsp(nowMs: number): void {
    const packet = this.packet;
    const fault = this.espView.attach(packet.frame, packet.payloadAt, packet.payloadBytes);
    this.kind = Kind.AddressOnly;
    if (fault !== undefined) {
      this.verdict.drop(fault);
      return;
    }
    this.spi = this.espView.spi();
    this.esp.outbound(packet.source(), packet.destination(), this.spi, packet.totalBytes, nowMs, this.verdict);
  }

  private decideOutboundOther(nowMs: number): void {
    const protocol = this.packet.protocol();
    if (protocol === Protocol.Udp) this.decideOutboundUdp(nowMs);
    else if (protocol === Protocol.Icmp) this.decideOutboundIcmp(nowMs);
    else if (protocol === Protocol.Tcp) this.decideOutboundTcp(nowMs);
    else if (protocol === Protocol.Esp) this.decideOutboundEsp(nowMs);
    else this.verdict.drop("not-ours");
  }

  private decideOutboundFragment(nowMs: number): void {
    const packet = this.packet;
    if (packet.isFirstFragment()) {
      this.decideOutboundOther(nowMs);
      this.fragments.firstOutbound(packet, nowMs, this.verdict);
      return;
    }
    this.kind = Kind.AddressOnly;
    this.fragments.laterOutbound(packet, nowMs, this.verdict);
    this.isHairpin = this.verdict.action === Action.Forward && packet.destination() === this.wanAddress;
  }

  private decideOutboundUdp(nowMs: number): void {
    if (!this.attachUdp()) return;
    const packet = this.packet;
    const udp = this.udpView;
    if (udp.destinationPort() !== ISAKMP_PORT) {
      this.decideOutboundFlow(udp.sourcePort(), udp.destinationPort(), 0, nowMs);
    } else if (this.attachIsakmp()) {
      this.ike.outbound(packet.source(), udp.sourcePort(), packet.destination(), this.isakmpView, nowMs, this.verdict);
    }
  }

  private decideOutboundTcp(nowMs: number): void {
    if (!this.attachTcp()) return;
    const tcp = this.tcpView;
    this.decideOutboundFlow(tcp.sourcePort(), tcp.destinationPort(), tcp.flags(), nowMs);
  }

  private decideOutboundIcmp(nowMs: number): void {
    if (!this.attachIcmp()) return;
    const icmp = this.icmpView;
    // An error about a packet between clients by the WAN address would have to be translated twice: it is not.
    if (icmp.isError && this.packet.destination() === this.wanAddress) this.verdict.drop("icmp-error-unknown");
    else if (icmp.isError) this.icmpErrors.outbound(icmp, nowMs, this.verdict);
    else if (icmp.isQueryRequest()) this.decideOutboundFlow(icmp.queryIdentifier(), 0, 0, nowMs);
    else this.verdict.drop("not-ours");
  }

  private decideOutboundFlow(clientPort: number, remotePort: number, tcpFlags: number, nowMs: number): void {
    if (this.flows === undefined) {
      this.verdict.drop("not-ours");
      return;
    }
    const packet = this.packet;
    const flows = this.flows.of(packet.protocol());
    const client = packet.source();
    const remote = packet.destination();
    const bytes = packet.totalBytes;
    const verdict = this.verdict;
    if (remote !== this.wanAddress) {
      flows.outbound(client, clientPort, remote, remotePort, tcpFlags, bytes, nowMs, verdict);
      return;
    }
    this.hairpinPort = flows.hairpin(client, clientPort, remote, remotePort, tcpFlags, bytes, nowMs, verdict);
    this.isHairpin = this.hairpinPort !== NO_RECORD;
  }

  private rewriteOutboundError(): void {
    const icmp = this.icmpView;
    icmp.setEmbeddedDestination(this.wanAddress);
    if (this.verdict.port === 0) return;
    icmp.setEmbeddedDestinationPort(this.verdict.port);
    icmp.setEmbeddedQueryIdentifier(this.verdict.port);
  }

  // From the WAN

  private decideInboundEsp(nowMs: number): void {
    const packet = this.packet;
    const esp = this.espView;
    const fault = esp.attach(packet.frame, packet.payloadAt, packet.payloadBytes);
    this.kind = Kind.AddressOnly;
    if (fault !== undefined) {
      this.verdict.drop(fault);
      return;
    }
    this.spi = esp.spi();
    this.esp.inbound(packet.source(), this.spi, esp.sequenceNumber(), packet.totalBytes, nowMs, this.verdict);
  }

  private decideInboundOther(nowMs: number): void {
    const protocol = this.packet.protocol();
    if (protocol === Protocol.Udp) this.decideInboundUdp(nowMs);
    else if (protocol === Protocol.Icmp) this.decideInboundIcmp(nowMs);
    else if (protocol === Protocol.Tcp) this.decideInboundTcp(nowMs);
    else if (protocol === Protocol.Esp) this.decideInboundEsp(nowMs);
    else this.verdict.drop("not-ours");
  }

  private decideInboundFragment(nowMs: number): void {
    const packet = this.packet;
    if (packet.isFirstFragment()) {
      this.decideInboundOther(nowMs);
      this.fragments.firstInbound(packet, nowMs, this.verdict);
      return;
    }
    this.kind = Kind.AddressOnly;
    this.fragments.laterInbound(packet, nowMs, this.verdict);
  }

  private decideInboundUdp(nowMs: number): void {
    if (!this.attachUdp()) return;
    const udp = this.udpView;
    if (udp.sourcePort() !== ISAKMP_PORT) {
      this.decideInboundFlow(udp.sourcePort(), udp.destinationPort(), 0, nowMs);
    } else if (this.attachIsakmp()) {
      this.ike.inbound(this.packet.source(), this.isakmpView, nowMs, this.verdict);
    }
  }

  private decideInboundTcp(nowMs: number): void {
    if (!this.attachTcp()) return;
    const tcp = this.tcpView;
    this.decideInboundFlow(tcp.sourcePort(), tcp.destinationPort(), tcp.flags(), nowMs);
  }

  private decideInboundIcmp(nowMs: number): void {
    if (!this.attachIcmp()) return;
    const icmp = this.icmpView;
    if (icmp.isError) this.icmpErrors.inbound(icmp, this.wanAddress, nowMs, this.verdict);
    else if (icmp.isQueryReply()) this.decideInboundFlow(0, icmp.queryIdentifier(), 0, nowMs);
    else this.verdict.drop("not-ours");
  }

  private decideInboundFlow(remotePort: number, externalPort: number, tcpFlags: number, nowMs: number): void {
    if (this.flows === undefined) {
      this.verdict.drop("not-ours");
      return;
    }
    const packet = this.packet;
    const flows = this.flows.of(packet.protocol());
    flows.inbound(packet.source(), remotePort, externalPort, tcpFlags, packet.totalBytes, nowMs, this.verdict);
  }

  private rewriteInboundError(client: number, port: number): void {
    const icmp = this.icmpView;
    icmp.setEmbeddedSource(client);
    if (port === 0) return;
    icmp.setEmbeddedSourcePort(port);
    icmp.setEmbeddedQueryIdentifier(port);
  }

  // Views: each is attached to the packet under decision; false when the verdict is a fault

  private attachUdp(): boolean {
    const packet = this.packet;
    const first = packet.isFirstFragment();
    return this.accept(this.udpView.attach(packet.frame, packet.payloadAt, packet.payloadBytes, first), Kind.Udp);
  }

  private attachTcp(): boolean {
    const packet = this.packet;
    const first = packet.isFirstFragment();
    return this.accept(this.tcpView.attach(packet.frame, packet.payloadAt, packet.payloadBytes, first), Kind.Tcp);
  }

  private attachIcmp(): boolean {
    const packet = this.packet;
    const icmp = this.icmpView;
    const fault = icmp.attach(packet.frame, packet.payloadAt, packet.payloadBytes, packet.isFirstFragment());
    return this.accept(fault, icmp.isError ? Kind.IcmpError : Kind.IcmpQuery);
  }

  private attachIsakmp(): boolean {
    const udp = this.udpView;
    const first = this.packet.isFirstFragment();
    return this.accept(this.isakmpView.attach(udp.frame, udp.payloadAt, udp.payloadBytes, first), Kind.Udp);
  }

  private accept(fault: Reason | undefined, kind: Kind): boolean {
    this.kind = kind;
    if (fault === undefined) return true;
    this.verdict.drop(fault);
    return false;
  }
}
