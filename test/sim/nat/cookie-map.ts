// SPDX-License-Identifier: GPL-2.0-only
// IKE through the NATs we compare with, as those that know IKE at all do it: the initiator's cookie names the client.

import type { Cookies, IkePacket } from "../packet";

interface Speaker {
  client: number;
  port: number;
  lastMs: number;
}

const keyOf = (server: number, { initiatorHigh, initiatorLow }: Cookies): string =>
  `${server} ${initiatorHigh} ${initiatorLow}`;

export class CookieMap {
  private readonly speakers = new LuaMap<string, Speaker>();
  /** When a client last spoke IKE with a server. */
  private readonly lastMs = new LuaMap<number, LuaMap<number, number>>();

  /** A client's message. */
  note(packet: IkePacket, nowMs: number): void {
    const { source, sourcePort, destination, cookies } = packet;
    this.speakers.set(keyOf(destination, cookies), { client: source, port: sourcePort, lastMs: nowMs });
    const clients = this.lastMs.get(destination) ?? new LuaMap<number, number>();
    clients.set(source, nowMs);
    this.lastMs.set(destination, clients);
  }

  /** The client that a server's message is for, and its port; undefined when nobody is known. */
  ownerOf({ source, cookies }: IkePacket): { readonly client: number; readonly port: number } | undefined {
    return this.speakers.get(keyOf(source, cookies));
  }

  /** Clients that spoke with the server since then, by their addresses. */
  speakersWith(server: number, sinceMs: number): number[] {
    const found: number[] = [];
    for (const [client, lastMs] of this.lastMs.get(server) ?? new LuaMap<number, number>()) {
      if (lastMs >= sinceMs) found.push(client);
    }
    return found.sort((one, other) => one - other);
  }
}
