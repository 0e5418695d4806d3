// SPDX-License-Identifier: GPL-2.0-only
// A small world around the IKE and ESP trackers: clients and servers that negotiate, send, answer and rekey as real ones
// do, over a network that loses and delays packets. It knows who owns each SPI, which the trackers must find out.

import { address } from "../frame";
import type { Random } from "../random";
import { ikeMessage, TrackedRouter } from "./tracked-router";

const TICK_MS = 50;
const IKE_SA_INIT = 34;
const CREATE_CHILD_SA = 36;
const INFORMATIONAL = 37;
const AUDIT_TICKS = 20;
const NO_COOKIE = "0000000000000000";

export interface WorldOptions {
  clients: number;
  servers: number;
  /** Of a hundred packets, lost on the way between router and server, each way. */
  lossPercent: number;
  /** Of a hundred epochs, those that the server uses before the client does. */
  serverFirstPercent: number;
  /** How long an epoch is used before its client starts the next one; the older one stays valid. */
  rekeyMs: number;
  /** A client that heard nothing for this long rekeys at once, as vpnmasq's endpoint does; Infinity: never. */
  patienceMs: number;
}

interface Epoch {
  readonly outSpi: number;
  readonly inSpi: number;
  /** Of the server's packets. */
  sequence: number;
  /** The server may send: it has heard the client on this epoch, or is of the kind that does not wait. */
  isOpen: boolean;
}

/** One client's tunnel with one server. */
class Tunnel {
  epoch: Epoch = { outSpi: 0, inSpi: 0, sequence: 0, isOpen: false };
  rekeyAtMs = 0;
  /** When a packet of the newest epoch last reached its owner; at first, when the tunnel began. */
  heardMs = 0;
  /** When its client last heard something, or began to try anew. */
  hopefulMs = 0;
  isStarted = false;
  readonly responderCookie: string;

  constructor(
    readonly client: number,
    readonly server: number,
    readonly cookie: string,
  ) {
    this.responderCookie = cookie.split("").reverse().join("");
  }
}

interface Delivery {
  readonly atMs: number;
  readonly deliver: () => void;
}

export class World {
  readonly tunnels: Tunnel[] = [];
  nowMs = 10000000;
  /** The longest time that a tunnel was silent although both ends sent. */
  longestSilenceMs = 0;
  /** Packets that went to one client, and that a wrong one. */
  misdelivered = 0;
  /** Packets that reached their owner, alone or with copies to others. */
  delivered = 0;
  /** Copies that went to others than the owner. */
  strangersCopies = 0;
  private router = new TrackedRouter();
  private underWay: Delivery[] = [];
  private ticks = 0;

  constructor(
    private readonly random: Random,
    private readonly options: WorldOptions,
  ) {
    for (const client of $range(1, options.clients)) {
      const server = address("198.51.100.1") + random.below(options.servers);
      const cookie = string.format("%08x%08x", 0x1000 + client, 0x2000 + random.below(0x10000));
      this.tunnels.push(new Tunnel(address("192.168.1.1") + client, server, cookie));
      this.tunnels[client - 1].rekeyAtMs = this.nowMs + random.below(3000);
    }
  }

  run(milliseconds: number): void {
    const endMs = this.nowMs + milliseconds;
    while (this.nowMs < endMs) this.tick();
  }

  /** The router starts again without memory; what it held is gone, and so is what it knew of IKE. */
  loseTable(): void {
    this.router = new TrackedRouter();
    this.router.esp.startRelearning(this.nowMs);
  }

  private tick(): void {
    this.nowMs += TICK_MS;
    this.ticks += 1;
    this.router.nowMs = this.nowMs;
    const due = this.underWay.filter((delivery) => delivery.atMs <= this.nowMs);
    this.underWay = this.underWay.filter((delivery) => delivery.atMs > this.nowMs);
    for (const delivery of due) delivery.deliver();
    for (const tunnel of this.tunnels) this.live(tunnel);
    if ((this.ticks & 1) === 0) this.router.tick();
    if (this.ticks - Math.floor(this.ticks / AUDIT_TICKS) * AUDIT_TICKS === 0) this.router.audit();
  }

  private live(tunnel: Tunnel): void {
    const { random, options } = this;
    const isDespaired = tunnel.isStarted && this.nowMs - tunnel.hopefulMs >= options.patienceMs;
    if (this.nowMs >= tunnel.rekeyAtMs || isDespaired) this.rekey(tunnel);
    if (!tunnel.isStarted) return;
    this.longestSilenceMs = Math.max(this.longestSilenceMs, this.nowMs - tunnel.heardMs);
    if (random.below(20) === 0) this.clientSends(tunnel, tunnel.epoch);
    if (random.below(30) === 0 && tunnel.epoch.isOpen) this.serverSends(tunnel, tunnel.epoch);
    if (random.below(400) === 0) this.negotiate(tunnel, INFORMATIONAL);
  }

  private rekey(tunnel: Tunnel): void {
    const { random, options } = this;
    if (!tunnel.isStarted) this.negotiate(tunnel, IKE_SA_INIT);
    this.negotiate(tunnel, CREATE_CHILD_SA);
    const isServerFirst = random.below(100) < options.serverFirstPercent;
    const [outSpi, inSpi] = [256 + random.below(0x7fffff00), 256 + random.below(0x7fffff00)];
    const epoch = { outSpi, inSpi, sequence: 0, isOpen: isServerFirst };
    if (!tunnel.isStarted) tunnel.heardMs = this.nowMs;
    tunnel.hopefulMs = this.nowMs;
    tunnel.epoch = epoch;
    tunnel.isStarted = true;
    tunnel.rekeyAtMs = this.nowMs + options.rekeyMs + random.below(options.rekeyMs);
    if (isServerFirst) this.serverSends(tunnel, epoch);
  }

  /** A message of the client and the server's answer, at once: IKE retransmits until both arrive. */
  private negotiate(tunnel: Tunnel, exchangeType: number): void {
    const { client, server, cookie, responderCookie } = tunnel;
    const isFirst = exchangeType === IKE_SA_INIT;
    const answer = { initiatorCookie: cookie, responderCookie, exchangeType, majorVersion: 2 };
    const request = isFirst ? { ...answer, responderCookie: NO_COOKIE } : answer;
    this.router.ikeFromClient(client, server, ikeMessage(request));
    this.router.ikeFromServer(server, ikeMessage(answer));
  }

  private clientSends(tunnel: Tunnel, epoch: Epoch): void {
    const leave = (): void => {
      this.afterNetwork(() => {
        epoch.isOpen = true;
        this.serverSends(tunnel, epoch);
      });
    };
    this.router.send({ client: tunnel.client, server: tunnel.server, spi: epoch.outSpi, content: epoch, leave });
  }

  private serverSends(tunnel: Tunnel, epoch: Epoch): void {
    epoch.sequence += 1;
    const { sequence } = epoch;
    this.afterNetwork(() => {
      this.arrive(tunnel, epoch, sequence);
    });
  }

  private afterNetwork(deliver: () => void): void {
    if (this.random.below(100) < this.options.lossPercent) return;
    this.underWay.push({ atMs: this.nowMs + 10 + this.random.below(150), deliver });
  }

  private arrive(tunnel: Tunnel, epoch: Epoch, sequence: number): void {
    const receivers = this.router.receive(tunnel.server, epoch.inSpi, sequence);
    const isHeard = receivers.includes(tunnel.client);
    if (receivers.length === 1 && !isHeard) this.misdelivered += 1;
    if (receivers.length > 1) this.strangersCopies += receivers.length - (isHeard ? 1 : 0);
    if (!isHeard) return;
    this.delivered += 1;
    if (epoch !== tunnel.epoch) return;
    tunnel.heardMs = this.nowMs;
    tunnel.hopefulMs = this.nowMs;
  }
}
