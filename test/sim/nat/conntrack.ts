// SPDX-License-Identifier: GPL-2.0-only
// Linux' masquerade as it is: ESP is known by its two addresses only, so one client a server; IKE by UDP ports.
//
// A packet from a server that nothing is known of goes to the router itself, and its entry keeps every client out until
// it has been silent for the timeout (measured on Linux 6.1 and 6.18).

import type { EspPacket, IkePacket } from "../packet";
import { SoftNat } from "./soft-nat";

/** nf_conntrack_generic_timeout, nf_conntrack_udp_timeout_stream. */
const ESP_IDLE_MS = 600000;
const UDP_IDLE_MS = 120000;
/** Ports below 512 are exchanged for ports below 512 (nf_nat_l4proto_unique_tuple). */
const REPLACEMENT_PORT_FIRST = 1;

interface Entry {
  /** Undefined: the router's own. */
  readonly client: number | undefined;
  readonly clientPort: number;
  lastMs: number;
}

export class ConntrackNat extends SoftNat {
  private esp = new LuaMap<number, Entry>();
  private udp = new LuaMap<string, Entry>();

  protected forgetAll(): void {
    this.esp = new LuaMap<number, Entry>();
    this.udp = new LuaMap<string, Entry>();
  }

  protected espFromLan(packet: EspPacket): void {
    const entry = this.entryOf(packet.destination, packet.source);
    if (entry.client !== packet.source) return;
    entry.lastMs = this.nowMs();
    this.espOut(packet);
  }

  protected espFromWan(packet: EspPacket): void {
    const entry = this.entryOf(packet.source, undefined);
    entry.lastMs = this.nowMs();
    if (entry.client !== undefined) this.espIn(packet, [entry.client]);
  }

  protected ikeFromLan(packet: IkePacket): void {
    const { source, sourcePort, destination } = packet;
    let port = sourcePort;
    let replacement = REPLACEMENT_PORT_FIRST;
    for (;;) {
      const entry = this.udpEntry(destination, port);
      if (entry === undefined || (entry.client === source && entry.clientPort === sourcePort)) break;
      port = replacement;
      replacement += 1;
    }
    this.udp.set(`${destination} ${port}`, { client: source, clientPort: sourcePort, lastMs: this.nowMs() });
    this.ikeOut(packet, port);
  }

  protected ikeFromWan(packet: IkePacket): void {
    const entry = this.udpEntry(packet.source, packet.destinationPort);
    if (entry?.client === undefined) return;
    entry.lastMs = this.nowMs();
    this.ikeIn(packet, entry.client, entry.clientPort);
  }

  /** The entry of ESP with a server; a new one, of `client` or the router's own, when there is none. */
  private entryOf(server: number, client: number | undefined): Entry {
    const known = this.esp.get(server);
    if (known !== undefined && this.nowMs() - known.lastMs < ESP_IDLE_MS) return known;
    const entry: Entry = { client, clientPort: 0, lastMs: this.nowMs() };
    this.esp.set(server, entry);
    return entry;
  }

  private udpEntry(server: number, port: number): Entry | undefined {
    const entry = this.udp.get(`${server} ${port}`);
    return entry !== undefined && this.nowMs() - entry.lastMs < UDP_IDLE_MS ? entry : undefined;
  }
}
