// SPDX-License-Identifier: GPL-2.0-only
// ICMP errors about packets that we translated: to whom they go, and from whom they may come.
//
// An error quotes the packet it is about as that packet was on the error's side of us. Of ESP it shows the SPI, of IKE
// the ports and, when it quotes enough (RFC 1812 §4.3.2.3), the cookies. "Fragmentation needed" matters most: without
// it, path MTU discovery stops and a tunnel carries small packets only.

import type { IcmpView } from "../wire/icmp";
import { Protocol } from "../wire/ipv4";
import { ISAKMP_PORT } from "../wire/isakmp";
import type { EspTracker } from "./esp";
import type { FlowTables } from "./flow-tables";
import type { IkeSession, IkeTracker } from "./ike";
import type { Limits } from "./limits";
import { RateLimit } from "./rate-limit";
import type { Verdict } from "./verdict";

export class IcmpErrorTracker {
  private readonly rate: RateLimit;

  /** @param flows only in `scope all` */
  constructor(
    limits: Limits,
    private readonly esp: EspTracker,
    private readonly ike: IkeTracker,
    private readonly flows: FlowTables | undefined,
  ) {
    this.rate = new RateLimit(limits.icmpErrorsPerSecondMax);
  }

  /** An error from the WAN, about a packet that left with the WAN address as its source. */
  inbound(error: IcmpView, wanAddress: number, nowMs: number, verdict: Verdict): void {
    if (error.embedded.source() !== wanAddress) {
      verdict.drop("icmp-error-unknown");
      return;
    }
    if (!this.rate.admit(nowMs)) {
      verdict.drop("icmp-error-rate");
      return;
    }
    const server = error.embedded.destination();
    const protocol = error.embedded.protocol();
    if (protocol === Protocol.Esp) {
      const client = this.esp.ownerOfOutSpi(server, error.embeddedSpi());
      if (client === undefined) verdict.drop("icmp-error-unknown");
      else verdict.deliver(client, "icmp-error-translated");
    } else if (protocol === Protocol.Udp && error.embeddedDestinationPort() === ISAKMP_PORT) {
      this.inboundAboutIke(error, server, verdict);
    } else if (this.flows !== undefined) {
      this.flows.inboundError(error, verdict);
    } else {
      verdict.drop("not-ours");
    }
  }

  /** An error from a client (or a host behind it), about a packet that was delivered to the client. */
  outbound(error: IcmpView, nowMs: number, verdict: Verdict): void {
    if (!this.rate.admit(nowMs)) {
      verdict.drop("icmp-error-rate");
      return;
    }
    const server = error.embedded.source();
    const client = error.embedded.destination();
    const protocol = error.embedded.protocol();
    if (protocol === Protocol.Esp) {
      const owns = this.esp.ownsInSpi(client, server, error.embeddedSpi());
      this.forwardIf(owns, verdict);
    } else if (protocol === Protocol.Udp && error.embeddedSourcePort() === ISAKMP_PORT) {
      this.forwardIf(this.sessionOf(error, server)?.client === client, verdict);
    } else if (this.flows !== undefined) {
      this.flows.outboundError(error, verdict);
    } else {
      verdict.drop("not-ours");
    }
  }

  private inboundAboutIke(error: IcmpView, server: number, verdict: Verdict): void {
    const client = this.sessionOf(error, server)?.client ?? this.onlyClientOf(server);
    if (client === undefined) verdict.drop("icmp-error-unknown");
    else verdict.deliver(client, "icmp-error-translated");
  }

  private sessionOf(error: IcmpView, server: number): IkeSession | undefined {
    if (!error.hasEmbeddedCookies()) return undefined;
    return this.ike.find(
      server,
      error.embeddedInitiatorCookieHigh(),
      error.embeddedInitiatorCookieLow(),
      error.embeddedResponderCookieHigh(),
      error.embeddedResponderCookieLow(),
    );
  }

  /** An error that quotes no cookies is clear only when one client speaks to that server. */
  private onlyClientOf(server: number): number | undefined {
    const clients = this.ike.clientsOf(server);
    return clients.length === 1 ? clients[0] : undefined;
  }

  private forwardIf(known: boolean, verdict: Verdict): void {
    if (known) verdict.forward("icmp-error-translated");
    else verdict.drop("icmp-error-unknown");
  }
}
