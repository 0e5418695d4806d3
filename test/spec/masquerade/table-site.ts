// SPDX-License-Identifier: GPL-2.0-only
// A table with a LAN and a WAN of the specs around it: whole packets go in, and the rewritten ones come out.

import { DEFAULT_LIMITS } from "../../../src/masquerade/limits";
import { Table, type TableOptions } from "../../../src/masquerade/table";
import { Action } from "../../../src/masquerade/verdict";
import { address, bufferOf, type Octets, octetsOf } from "../frame";

export const ALICE = "192.168.1.2";
export const BOB = "192.168.1.3";
export const CAROL = "192.168.1.4";
export const WAN = "203.0.113.1";
export const SERVER = "198.51.100.1";

/** A table between Alice, Bob and the Internet, and what it makes of packets. */
export class Router {
  readonly table: Table;
  nowMs = 3000000;

  constructor(options: Partial<TableOptions> = {}) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.table = new Table({ scope: "vpn", filtering: "address", algorithm: "vpnmasq", seed: 5, ...options, limits });
    this.table.wanAddress = address(WAN);
    this.table.clients.set([{ network: address("192.168.1.0"), lengthBits: 24 }]);
  }

  /** What leaves on the WAN; undefined when nothing does. */
  out(packet: Octets): Octets | undefined {
    const bytes = bufferOf(packet);
    this.table.decideOutbound(bytes, 0, packet.length, this.nowMs);
    if (this.table.verdict.action !== Action.Forward) return undefined;
    this.table.rewriteOutbound();
    return octetsOf(bytes, 0, packet.length);
  }

  /** What a client gets; undefined when none does. */
  in(packet: Octets): Octets | undefined {
    const bytes = bufferOf(packet);
    const { table } = this;
    table.decideInbound(bytes, 0, packet.length, this.nowMs);
    if (table.verdict.action !== Action.Forward) return undefined;
    table.packet.decrementTimeToLive();
    table.rewriteInbound(table.verdict.client, table.verdict.port);
    return octetsOf(bytes, 0, packet.length);
  }

  /** What each client gets of a packet that is copied. */
  copies(packet: Octets): Octets[] {
    const bytes = bufferOf(packet);
    const { table } = this;
    table.decideInbound(bytes, 0, packet.length, this.nowMs);
    if (table.verdict.action !== Action.Multicast) return [];
    table.packet.decrementTimeToLive();
    const copies: Octets[] = [];
    for (const copy of $range(0, table.verdict.copies - 1)) {
      table.rewriteInbound(table.verdict.copyTo[copy], table.verdict.port);
      copies.push(octetsOf(bytes, 0, packet.length));
    }
    return copies;
  }

  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.table.expire(this.nowMs);
  }

  reason(): string {
    return this.table.verdict.reason;
  }
}
