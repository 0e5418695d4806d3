// SPDX-License-Identifier: GPL-2.0-only
// Adversaries: a client of the LAN, or somebody outside, who sends what keeps a NAT busy with nothing.

import { ExchangeV2 } from "../../src/wire/isakmp";
import type { Random } from "../spec/random";
import { ADVERSARY, clientAddress, serverAddress } from "./addresses";
import { type IkePacket, type Message, NOBODY, type Packet } from "./packet";
import type { Attack } from "./plan";
import { drawSpi } from "./renewal";
import type { Site } from "./site";

const PACKET_BYTES = 100;
const ISAKMP_PORT = 500;
const SECOND_MS = 1000;

const FORGED: Message = {
  tunnel: NOBODY,
  exchange: "forged",
  messageId: 0,
  step: 1,
  isClients: true,
  round: 0,
  inSpi: 0,
  outSpi: 0,
  newCookies: undefined,
};

const FORGED_ESP = {
  kind: "esp",
  sequence: 1,
  lengthBytes: PACKET_BYTES,
  tunnel: NOBODY,
  load: "forged",
  askedMs: 0,
} as const;

const IKE_PORTS = { sourcePort: ISAKMP_PORT, destinationPort: ISAKMP_PORT } as const;

export class Attacker {
  /** The address that an adversary of the LAN has. */
  private readonly address = clientAddress(ADVERSARY);

  constructor(
    private readonly site: Site,
    private readonly random: Random,
  ) {}

  plan(attack: Attack): void {
    this.site.queue.at(attack.atMs, this.begin, attack);
  }

  private readonly begin: (this: void, attack: Attack) => void = (attack) => {
    this.site.note(undefined, "fault", `${attack.kind}, ${attack.perSecond} a second, for ${attack.forMs / 1000} s`);
    this.strike(attack);
  };

  private readonly strike: (this: void, attack: Attack) => void = (attack) => {
    const { queue } = this.site;
    if (queue.nowMs >= attack.atMs + attack.forMs) return;
    const packet = this.packetOf(attack);
    if (attack.kind === "spoofed-esp" || attack.kind === "spoofed-ike") this.site.reachRouter(packet);
    else this.site.leaveClient(packet);
    queue.after(SECOND_MS / attack.perSecond, this.strike, attack);
  };

  private packetOf({ kind, server }: Attack): Packet {
    const remote = serverAddress(server);
    const spi = drawSpi((limit) => this.random.below(limit));
    switch (kind) {
      case "spi-flood":
      case "squat":
        return { ...FORGED_ESP, source: this.address, destination: remote, spi };
      case "spoofed-esp":
        return { ...FORGED_ESP, source: remote, destination: this.site.nat.wanAddress, spi };
      case "cookie-flood":
        return this.ike(this.address, remote, ExchangeV2.IkeSaInit);
      case "spoofed-ike":
        return this.ike(remote, this.site.nat.wanAddress, ExchangeV2.CreateChildSa);
    }
  }

  private ike(source: number, destination: number, exchangeType: number): IkePacket {
    const isFirst = exchangeType === ExchangeV2.IkeSaInit;
    const word = (): number => 1 + this.random.below(0x7fffffff);
    const responder = isFirst ? { responderHigh: 0, responderLow: 0 } : { responderHigh: word(), responderLow: word() };
    const cookies = { initiatorHigh: word(), initiatorLow: word(), ...responder };
    return { kind: "ike", source, destination, ...IKE_PORTS, version: 2, exchangeType, cookies, message: FORGED };
  }
}
