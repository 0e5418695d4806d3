// SPDX-License-Identifier: GPL-2.0-only
// Clients that renew their epochs together by IKEv1, under traffic, as daemons do: millisecond by millisecond.
//
// Quick mode (RFC 2409 §5.5) has three messages. The client uses the new epoch when it has the second one, the server
// when it has the third; so the client's first packets on it are answered on the old one.

import type { Random } from "../random";
import { SERVER } from "./esp-site";
import { ikeMessage, TrackedRouter } from "./tracked-router";

const QUICK_MODE = 32;
const TICK_MS = 100;
/** Each client sends this often; the server sends each packet back. */
const INTERVAL_MS = 20;

interface Epoch {
  readonly outSpi: number;
  readonly inSpi: number;
  /** Of the server's packets. */
  sequence: number;
}

export interface RenewalsOptions {
  readonly clients: readonly number[];
  /** A packet takes up to so long between router and server. */
  readonly latencyMs: number;
  /** A daemon takes up to so long to answer a message. */
  readonly daemonMs: number;
  /** From the first renewal on, the server sends on its own account too, as often as each client. */
  readonly isPushing: boolean;
}

/** One client's tunnel with the server. */
export class RenewingTunnel {
  /** The newest epoch of which the client has both SAs, and that of which the server has both. */
  clientEpoch: Epoch;
  serverEpoch: Epoch;
  heardMs: number;
  /** The longest time for which the client heard nothing of its own. */
  longestSilenceMs = 0;
  readonly incomingSpis = new LuaSet<number>();
  readonly initiatorCookie: string;
  readonly responderCookie: string;

  constructor(
    readonly client: number,
    epoch: Epoch,
    nowMs: number,
  ) {
    this.clientEpoch = epoch;
    this.serverEpoch = epoch;
    this.incomingSpis.add(epoch.inSpi);
    this.heardMs = nowMs;
    this.initiatorCookie = string.format("%016x", client & 0xffff);
    this.responderCookie = string.format("%016x", (client & 0xffff) + 0x10000);
  }

  hear(epoch: Epoch, nowMs: number): void {
    if (this.incomingSpis.has(epoch.inSpi)) this.heardMs = nowMs;
  }
}

export class Renewals {
  readonly router = new TrackedRouter();
  readonly tunnels: RenewingTunnel[] = [];
  private readonly due = new LuaMap<number, (() => void)[]>();
  private nextSpi = 0x1000;
  private isPushing = false;

  /** The router starts without memory; then each client has an epoch that it has not used yet. */
  constructor(
    private readonly random: Random,
    private readonly options: RenewalsOptions,
  ) {
    this.router.esp.startRelearning(0);
    for (const client of options.clients) {
      const tunnel = new RenewingTunnel(client, this.newEpoch(), 0);
      this.tunnels.push(tunnel);
      this.fromClient(tunnel);
      this.fromServer(tunnel);
    }
  }

  run(milliseconds: number): void {
    for (const _ of $range(1, milliseconds)) this.step();
  }

  /** All clients start quick mode now. */
  renewAll(): void {
    this.isPushing = this.options.isPushing;
    for (const tunnel of this.tunnels) this.renew(tunnel);
  }

  longestSilenceMs(): number {
    return Math.max(...this.tunnels.map((tunnel) => tunnel.longestSilenceMs));
  }

  private step(): void {
    this.router.nowMs += 1;
    const { nowMs } = this.router;
    const due = this.due.get(nowMs) ?? [];
    this.due.delete(nowMs);
    for (const happen of due) happen();
    if (isMultiple(nowMs, INTERVAL_MS)) this.exchangeTraffic();
    if (isMultiple(nowMs, TICK_MS)) {
      this.router.tick();
      this.router.audit();
    }
    for (const tunnel of this.tunnels) {
      tunnel.longestSilenceMs = Math.max(tunnel.longestSilenceMs, nowMs - tunnel.heardMs);
    }
  }

  private exchangeTraffic(): void {
    for (const tunnel of this.tunnels) {
      const leave = (): void => {
        this.afterUpTo(this.options.latencyMs, () => {
          this.serverSends(tunnel);
        });
      };
      this.router.send({
        client: tunnel.client,
        server: SERVER,
        spi: tunnel.clientEpoch.outSpi,
        content: tunnel,
        leave,
      });
      if (this.isPushing) this.serverSends(tunnel);
    }
  }

  private serverSends(tunnel: RenewingTunnel): void {
    const epoch = tunnel.serverEpoch;
    epoch.sequence += 1;
    const { sequence } = epoch;
    this.afterUpTo(this.options.latencyMs, () => {
      const receivers = this.router.receive(SERVER, epoch.inSpi, sequence);
      for (const other of this.tunnels) {
        if (receivers.includes(other.client)) other.hear(epoch, this.router.nowMs);
      }
    });
  }

  private renew(tunnel: RenewingTunnel): void {
    const epoch = this.newEpoch();
    this.fromClient(tunnel);
    this.onceAnswered(() => {
      this.fromServer(tunnel);
      this.onceAnswered(() => {
        tunnel.incomingSpis.add(epoch.inSpi);
        tunnel.clientEpoch = epoch;
        this.fromClient(tunnel);
        this.onceAnswered(() => {
          tunnel.serverEpoch = epoch;
        });
      });
    });
  }

  private fromClient(tunnel: RenewingTunnel): void {
    this.router.ikeFromClient(tunnel.client, SERVER, quickMode(tunnel));
  }

  private fromServer(tunnel: RenewingTunnel): void {
    this.router.ikeFromServer(SERVER, quickMode(tunnel));
  }

  private newEpoch(): Epoch {
    this.nextSpi += 1;
    return { outSpi: 0xa0000 + this.nextSpi, inSpi: 0xb0000 + this.nextSpi, sequence: 0 };
  }

  private onceAnswered(happen: () => void): void {
    this.afterUpTo(this.options.latencyMs + this.options.daemonMs, happen);
  }

  private afterUpTo(milliseconds: number, happen: () => void): void {
    const atMs = this.router.nowMs + 1 + this.random.below(milliseconds);
    const due = this.due.get(atMs) ?? [];
    due.push(happen);
    this.due.set(atMs, due);
  }
}

function quickMode({ initiatorCookie, responderCookie }: RenewingTunnel) {
  return ikeMessage({ initiatorCookie, responderCookie, exchangeType: QUICK_MODE, majorVersion: 1 });
}

function isMultiple(value: number, of: number): boolean {
  return Math.floor(value / of) * of === value;
}
