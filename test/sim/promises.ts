// SPDX-License-Identifier: GPL-2.0-only
// What must hold of a site at every moment, whatever befalls it.
//
// No tunnel is dead for longer than its bound; no packet goes to the wrong client alone for longer than that, nor to
// more than so many; the router's state does not contradict itself; a restart with a complete journal costs nothing.

import type { Nat } from "./nat/nat";
import type { Packet } from "./packet";
import { deadBoundMs } from "./bounds";
import type { Site } from "./site";
import type { SimulatedTunnel } from "./tunnel";

export type PromiseName = "dead tunnel" | "wrong owner" | "router";

export interface Violation {
  readonly promise: PromiseName;
  readonly what: string;
  readonly atMs: number;
  /** Of which client; undefined: of none in particular. */
  readonly client: number | undefined;
}

export class Promises {
  violation: Violation | undefined;
  /** False where a NAT is only looked at that promises nothing. */
  areKept = true;
  /** When the last fault was over: bounds count from then on. */
  calmMs = 0;
  /** The public address is not what it was at first. */
  hasMoved = false;
  /** ESP packets that reached their owner alone, with copies to others, and others alone. */
  toOwner = 0;
  copies = 0;
  toOthers = 0;

  constructor(private readonly site: Site) {}

  break(promise: PromiseName, what: string, client: number | undefined): void {
    if (!this.areKept) return;
    this.violation = this.violation ?? { promise, what, atMs: this.site.queue.nowMs, client };
  }

  /** Something goes wrong from now on, or until then. */
  disturbedUntil(untilMs: number): void {
    this.calmMs = Math.max(this.calmMs, untilMs);
  }

  /** A server's packet went to these clients. */
  delivered(packet: Packet, clients: readonly number[]): void {
    const tunnel = this.site.tunnelOf(packet);
    if (packet.kind !== "esp" || tunnel === undefined) return;
    const isRight = clients.includes(tunnel.clientAddress);
    if (isRight) {
      tunnel.wrongSinceMs = undefined;
      this.toOwner += 1;
      this.copies += clients.length - 1;
      return;
    }
    this.toOthers += 1;
    tunnel.wrongSinceMs = tunnel.wrongSinceMs ?? this.site.queue.nowMs;
  }

  auditState(nat: Nat): void {
    const problem = nat.audit();
    if (problem !== undefined) this.break("router", problem, undefined);
  }

  /** Looks at all tunnels: a bound that has passed is a broken promise. */
  lookForDead(): void {
    for (const tunnel of this.site.tunnels) {
      this.judge("dead tunnel", tunnel, tunnel.requests.askedMs);
      this.judge("wrong owner", tunnel, tunnel.wrongSinceMs);
    }
  }

  private judge(promise: PromiseName, tunnel: SimulatedTunnel, sinceMs: number | undefined): void {
    if (sinceMs === undefined || !this.isPromised(tunnel)) return;
    const { nowMs } = this.site.queue;
    const fromMs = Math.max(sinceMs, this.calmMs);
    const boundMs = deadBoundMs(tunnel.plan, fromMs - sinceMs, this.hasMoved, this.site.scenario);
    if (nowMs - fromMs <= boundMs) return;
    const seconds = Math.floor((nowMs - fromMs) / 1000);
    const bound = Math.floor(boundMs / 1000);
    this.break(promise, `client ${tunnel.plan.number} for ${seconds} s; the bound is ${bound} s`, tunnel.plan.number);
  }

  /**
   * A server sends to the address at which it learned of a client, until there is a new IKE SA. Where nobody looks
   * whether anything comes back, neither watchdog nor dead peer detection, there never is one.
   */
  private isPromised({ plan }: SimulatedTunnel): boolean {
    return plan.isClientWatched || plan.deadPeerMs !== undefined || !this.hasMoved;
  }
}
