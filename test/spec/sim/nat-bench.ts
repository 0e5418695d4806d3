// SPDX-License-Identifier: GPL-2.0-only
// A NAT of the simulator between clients and a server that are nothing but addresses: what goes in, and what comes out.

import { clientAddress, serverAddress, wanAddress } from "../../sim/addresses";
import { EventQueue } from "../../sim/event-queue";
import type { Nat, Sides } from "../../sim/nat/nat";
import { type Cookies, type EspPacket, type IkePacket, type Message, NOBODY, type Packet } from "../../sim/packet";

const PACKET_BYTES = 100;
const ISAKMP_PORT = 500;
/** IKE_SA_INIT (RFC 7296 §3.1). */
const EXCHANGE_TYPE = 34;
const MESSAGE: Message = {
  tunnel: NOBODY,
  exchange: "session",
  messageId: 0,
  step: 1,
  isClients: true,
  round: 1,
  inSpi: 0,
  outSpi: 0,
  newCookies: undefined,
};

export class NatBench implements Sides {
  readonly queue = new EventQueue();
  readonly isTraced = false;
  readonly nat: Nat;
  /** What came out towards the servers, and the numbers of the clients that got what came in. */
  readonly out: Packet[] = [];
  readonly delivered: number[] = [];

  /** @param make the NAT, given its sides and its public address */
  constructor(make: (this: void, sides: Sides, wan: number) => Nat) {
    this.nat = make(this, wanAddress(0));
  }

  toWan(packet: Packet): void {
    this.out.push(packet);
  }

  toClients(_packet: Packet, clients: readonly number[]): void {
    for (const client of clients) this.delivered.push(client - clientAddress(0));
  }

  violated(what: string): void {
    error(what);
  }

  noteDecision(): void {
    // Nothing is traced.
  }

  wait(forMs: number): void {
    this.queue.nowMs += forMs;
  }

  /** Whether a client's ESP packet comes out. */
  sends(client: number, spi: number, server = 0): boolean {
    const before = this.out.length;
    const [source, destination] = [clientAddress(client), serverAddress(server)];
    this.nat.fromLan(esp(source, destination, spi));
    return this.out.length > before;
  }

  /** The numbers of the clients that a server's ESP packet reaches. */
  answers(spi: number, server = 0): number[] {
    this.delivered.length = 0;
    this.nat.fromWan(esp(serverAddress(server), wanAddress(0), spi));
    return [...this.delivered];
  }

  /** The source port that a client's IKE packet comes out with; undefined: it does not. */
  speaksIke(client: number, cookie: number, server = 0): number | undefined {
    const before = this.out.length;
    this.nat.fromLan(this.ike(clientAddress(client), ISAKMP_PORT, serverAddress(server), ISAKMP_PORT, cookie));
    const packet = this.out[before] as Packet | undefined;
    return packet?.kind === "ike" ? packet.sourcePort : undefined;
  }

  /** The numbers of the clients that a server's IKE packet to this port reaches. */
  answersIke(cookie: number, port: number = ISAKMP_PORT, server = 0): number[] {
    this.delivered.length = 0;
    this.nat.fromWan(this.ike(serverAddress(server), ISAKMP_PORT, wanAddress(0), port, cookie));
    return [...this.delivered];
  }

  private ike(source: number, sourcePort: number, destination: number, port: number, cookie: number): IkePacket {
    const cookies: Cookies = { initiatorHigh: 1, initiatorLow: cookie, responderHigh: 0, responderLow: 0 };
    const ports = { sourcePort, destinationPort: port };
    return {
      kind: "ike",
      source,
      destination,
      ...ports,
      version: 2,
      exchangeType: EXCHANGE_TYPE,
      cookies,
      message: MESSAGE,
    };
  }
}

function esp(source: number, destination: number, spi: number): EspPacket {
  const rest = { sequence: 1, lengthBytes: PACKET_BYTES, tunnel: NOBODY, load: "request", askedMs: 0 } as const;
  return { kind: "esp", source, destination, spi, ...rest };
}
