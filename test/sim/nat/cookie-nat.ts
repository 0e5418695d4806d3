// SPDX-License-Identifier: GPL-2.0-only
// NATs that know IKE: the initiator's cookie names the client. What becomes of ESP each has its own way for.

import type { Cookies, IkePacket } from "../packet";
import { SoftNat } from "./soft-nat";

interface Speaker {
  readonly client: number;
  readonly port: number;
}

const keyOf = (server: number, { initiatorHigh, initiatorLow }: Cookies): string =>
  `${server} ${initiatorHigh} ${initiatorLow}`;

export abstract class CookieNat extends SoftNat {
  private speakers = new LuaMap<string, Speaker>();
  /** When a client last spoke IKE with a server, by both. */
  private spokenMs = new LuaMap<number, LuaMap<number, number>>();

  protected abstract forgetEsp(): void;

  protected forgetAll(): void {
    this.speakers = new LuaMap();
    this.spokenMs = new LuaMap();
    this.forgetEsp();
  }

  protected ikeFromLan(packet: IkePacket): void {
    const { source, sourcePort, destination, cookies } = packet;
    this.speakers.set(keyOf(destination, cookies), { client: source, port: sourcePort });
    const clients = this.spokenMs.get(destination) ?? new LuaMap<number, number>();
    clients.set(source, this.nowMs());
    this.spokenMs.set(destination, clients);
    this.ikeOut(packet, sourcePort);
  }

  protected ikeFromWan(packet: IkePacket): void {
    const owner = this.speakers.get(keyOf(packet.source, packet.cookies));
    if (owner !== undefined) this.ikeIn(packet, owner.client, owner.port);
  }

  /** Clients that spoke IKE with the server since then, by their addresses. */
  protected speakersWith(server: number, sinceMs: number): number[] {
    const found: number[] = [];
    for (const [client, lastMs] of this.spokenMs.get(server) ?? new LuaMap<number, number>()) {
      if (lastMs >= sinceMs) found.push(client);
    }
    return found.sort((one, other) => one - other);
  }
}
