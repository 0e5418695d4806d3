// SPDX-License-Identifier: GPL-2.0-only
// The endpoint's watch over all its tunnels: what the kernel reports goes to the state machines, and what they want is
// done: placements by pins, pings, and orders to the IKE daemons.
//
// Whatever happens to a tunnel, its placement is made true before its orders are carried out, so a ping finds its pin.

import type { Evidence, ServerAnswers } from "../epoch/ladder";
import type { Order } from "../epoch/tunnel";
import type { Outcome } from "../system/outcome";
import type { Policy, XfrmEvent } from "../system/xfrm-message";
import type { EpochSas, SaReport } from "./epoch-pairing";
import type { CommandReport } from "./ike-daemon";
import { isPin } from "./pin-policy";
import type { Pins } from "./pins";
import type { PingPath } from "./pinger";
import { trafficFor, tunnelOf } from "./tunnel-match";
import type { WatchedTunnel } from "./watched-tunnel";

/** What the watch acts through. */
export interface Surface {
  readonly pins: Pick<Pins, "place" | "withdraw">;
  /** All of the kernel's policies. */
  readonly policies: (this: void) => Outcome<Policy[]>;
  readonly ping: (this: void, path: PingPath) => Outcome<true>;
  /** Why nothing can reach a peer (a word); "" when something can. */
  readonly obstacle: (this: void, peer: number) => string;
  /** A name of the way to a peer (a word), another one when the way is; "" without one. */
  readonly way: (this: void, peer: number) => string;
  /** Whether a peer (a word) answers outside of the tunnels. */
  readonly answers: (this: void, peer: number) => ServerAnswers;
  /** A tunnel changed its state, or something else happened that a person may want to know. */
  readonly onNews: (this: void, tunnel: WatchedTunnel, text: string, isNewState: boolean) => void;
}

/** An epoch of which it is not clear yet whose it is. */
interface Unclaimed {
  readonly epoch: EpochSas;
  /** When it began, and whether it was there before us. */
  readonly sinceMs: number;
  readonly isFound: boolean;
  isAnswered: boolean;
}

/** Epochs of other programs' tunnels that are remembered. */
const UNCLAIMED_MAX = 64;

interface Count {
  alive: number;
  dead: number;
}

export class Watchdog {
  private readonly owners = new LuaMap<EpochSas, WatchedTunnel>();
  private unclaimed: Unclaimed[] = [];
  private policies: readonly Policy[] = [];

  constructor(
    public tunnels: readonly WatchedTunnel[],
    private readonly surface: Surface,
  ) {}

  /**
   * Watches these tunnels from now on. Those that are watched already are not touched; the epochs of others that were are
   * found again, by whom they belong to now.
   */
  watch(tunnels: readonly WatchedTunnel[], nowMs: number): void {
    const left = this.tunnels.filter((tunnel) => !tunnels.includes(tunnel));
    this.tunnels = tunnels;
    for (const tunnel of left) {
      this.disown(tunnel);
      heirOf(tunnel, tunnels)?.inherit(tunnel);
    }
    this.readPolicies(nowMs);
    for (const tunnel of left) {
      if (heirOf(tunnel, tunnels)?.pinned === undefined) this.surface.pins.withdraw(tunnel.settings.name);
    }
  }

  /** To be called first, and again when the kernel's policies may have changed. */
  readPolicies(nowMs: number): void {
    const [policies] = this.surface.policies();
    if (policies === undefined) return;
    this.policies = policies;
    const waiting = this.unclaimed;
    this.unclaimed = [];
    for (const one of waiting) this.claim(one, nowMs);
    for (const tunnel of this.tunnels) {
      this.learnTraffic(tunnel);
      this.follow(tunnel, [], nowMs);
    }
  }

  /** Of policies; other events do no harm. */
  handle(event: XfrmEvent, nowMs: number): void {
    const isDaemons = event.kind === "policy" && event.policy.direction === "out" && !isPin(event.policy);
    if (isDaemons || event.kind === "resynchronise") this.readPolicies(nowMs);
  }

  /** What the SA monitor reports. */
  report(report: SaReport, nowMs: number): void {
    const { epoch } = report;
    if (report.kind === "appeared") {
      this.claim({ epoch, sinceMs: nowMs, isFound: false, isAnswered: false }, nowMs);
    } else if (report.kind === "found") {
      this.claim({ epoch, sinceMs: nowMs - report.ageMs, isFound: true, isAnswered: report.isAnswered }, nowMs);
    } else if (report.kind === "used") this.used(epoch, nowMs);
    else if (report.kind === "unanswered") this.owners.get(epoch)?.machine.outboundUnanswered(epoch.outSpi);
    else this.gone(epoch, nowMs);
  }

  /** To be called at least every 100 ms; faster while {@link awaited} names any. */
  tick(nowMs: number): void {
    const counts = this.countByPeer();
    for (const tunnel of this.tunnels) {
      this.follow(tunnel, tunnel.machine.tick(nowMs, this.evidenceOf(tunnel, counts)), nowMs);
    }
  }

  /** Incoming SPIs (words) on which an answer is awaited. */
  awaited(nowMs: number): number[] {
    const spis: number[] = [];
    for (const { machine } of this.tunnels) {
      const { ping } = machine.placement(nowMs);
      if (ping !== undefined) spis.push(ping.inSpi);
      for (const { answeredMs, inSpi } of machine.epochs()) {
        if (answeredMs === undefined && inSpi !== ping?.inSpi) spis.push(inSpi);
      }
    }
    return spis;
  }

  /**
   * Lets what tunnels hold go by the newest epoch: nobody will be there to wait for an answer.
   * @returns whether any was held; then it leaves within a tick of the kernel's clock
   */
  release(tunnels: readonly WatchedTunnel[], nowMs: number): boolean {
    let wasHeld = false;
    for (const tunnel of tunnels) {
      const newest = tunnel.sasOf(tunnel.newest());
      const isHeld = tunnel.placement(nowMs).data === "hold";
      if (isHeld && newest !== undefined && tunnel.pinned !== undefined) {
        this.surface.pins.place(tunnel.pinned, { data: newest, ping: undefined }, nowMs);
        wasHeld = true;
      }
    }
    return wasHeld;
  }

  // What happened

  private claim(one: Unclaimed, nowMs: number): void {
    const { epoch, sinceMs, isAnswered } = one;
    const tunnel = tunnelOf(this.tunnels, epoch.peers, this.policies);
    if (tunnel === undefined) {
      this.unclaimed.push(one);
      if (this.unclaimed.length > UNCLAIMED_MAX) this.unclaimed.shift();
      return;
    }
    this.owners.set(epoch, tunnel);
    tunnel.took(epoch);
    this.learnTraffic(tunnel);
    const { outSpi, inSpi } = epoch;
    if (one.isFound) {
      this.follow(tunnel, tunnel.machine.adopt({ outSpi, inSpi, sinceMs, isAnswered }, nowMs), nowMs);
      return;
    }
    this.follow(tunnel, tunnel.machine.epochAppeared(outSpi, inSpi, nowMs), nowMs);
    if (isAnswered) this.used(epoch, nowMs);
  }

  /** Its epochs are nobody's until they are claimed again. */
  private disown(tunnel: WatchedTunnel): void {
    for (const { outSpi, sinceMs, answeredMs } of tunnel.machine.epochs()) {
      const epoch = tunnel.sasByOutSpi(outSpi);
      if (epoch !== undefined) {
        this.owners.delete(epoch);
        this.unclaimed.push({ epoch, sinceMs, isFound: true, isAnswered: answeredMs !== undefined });
      }
    }
  }

  /** Peers (words) to which a tunnel of a client is not proved to work. */
  doubtfulPeers(): number[] {
    return this.peersWhere((tunnel) => tunnel.machine.isDoubtful());
  }

  /** Peers (words) to which a tunnel of a client works. */
  workingPeers(): number[] {
    return this.peersWhere((tunnel) => !tunnel.isServer() && tunnel.machine.state === "up");
  }

  private peersWhere(condition: (this: void, tunnel: WatchedTunnel) => boolean): number[] {
    const peers: number[] = [];
    for (const tunnel of this.tunnels) {
      const peer = tunnel.peerAddress();
      if (peer !== undefined && condition(tunnel)) peers.push(peer);
    }
    return peers;
  }

  private used(epoch: EpochSas, nowMs: number): void {
    const tunnel = this.owners.get(epoch);
    if (tunnel !== undefined) {
      tunnel.wayAtAnswer = this.surface.way(epoch.peers.peer);
      this.follow(tunnel, tunnel.machine.inboundSeen(epoch.inSpi, nowMs), nowMs);
    }
    for (const one of this.unclaimed) if (one.epoch === epoch) one.isAnswered = true;
  }

  private gone(epoch: EpochSas, nowMs: number): void {
    this.unclaimed = this.unclaimed.filter((one) => one.epoch !== epoch);
    const tunnel = this.owners.get(epoch);
    if (tunnel === undefined) return;
    this.owners.delete(epoch);
    tunnel.lost(epoch);
    this.follow(tunnel, tunnel.machine.epochGone(epoch.outSpi, nowMs), nowMs);
  }

  // What is known

  private evidenceOf(tunnel: WatchedTunnel, counts: LuaMap<number, Count>): Evidence {
    const peer = tunnel.peerAddress();
    const isWanUp = peer === undefined || this.surface.obstacle(peer) === "";
    const { alive, dead } = (peer === undefined ? undefined : counts.get(peer)) ?? { alive: 0, dead: 0 };
    const own = countOf(tunnel);
    return {
      isWanUp,
      serverAnswers: peer === undefined ? "unknown" : this.surface.answers(peer),
      othersAlive: alive - own.alive,
      othersDead: dead - own.dead,
      hasWayChanged: peer !== undefined && this.hasWayChanged(tunnel, peer),
    };
  }

  private hasWayChanged({ wayAtAnswer }: WatchedTunnel, peer: number): boolean {
    const way = this.surface.way(peer);
    return way !== "" && wayAtAnswer !== "" && way !== wayAtAnswer;
  }

  private countByPeer(): LuaMap<number, Count> {
    const counts = new LuaMap<number, Count>();
    for (const tunnel of this.tunnels) {
      const peer = tunnel.peerAddress();
      if (peer !== undefined) {
        const own = countOf(tunnel);
        const before = counts.get(peer) ?? { alive: 0, dead: 0 };
        counts.set(peer, { alive: before.alive + own.alive, dead: before.dead + own.dead });
      }
    }
    return counts;
  }

  // What is done

  private follow(tunnel: WatchedTunnel, orders: readonly Order[], nowMs: number): void {
    this.place(tunnel, nowMs);
    for (const order of orders) this.obey(tunnel, order, nowMs);
  }

  /** What the daemon takes away with a tunnel is what the tunnel will carry when it comes back. */
  private learnTraffic(tunnel: WatchedTunnel): void {
    const traffic = trafficFor(tunnel, tunnel.peers, this.policies);
    if (traffic !== undefined) tunnel.carry(traffic);
  }

  private place(tunnel: WatchedTunnel, nowMs: number): void {
    if (tunnel.pinned === undefined) return;
    // A client that left may come back another way: a server holds nothing for it.
    const isWanted = !tunnel.isServer() || tunnel.machine.epochs().length > 0;
    if (isWanted) this.surface.pins.place(tunnel.pinned, tunnel.placement(nowMs), nowMs);
    else if (tunnel.isPlaced) this.surface.pins.withdraw(tunnel.settings.name);
    tunnel.isPlaced = isWanted;
  }

  private obey(tunnel: WatchedTunnel, order: Order, nowMs: number): void {
    if (order.kind === "ping") this.ping(tunnel);
    else if (order.kind === "tell") this.tell(tunnel, order.text, nowMs);
    else {
      const text = `${order.kind}: ${order.because}`;
      tunnel.note({ atMs: nowMs, state: tunnel.machine.state, text });
      this.surface.onNews(tunnel, text, false);
      this.command(tunnel, order.kind, nowMs);
    }
  }

  private ping(tunnel: WatchedTunnel): void {
    if (tunnel.ping === undefined) return;
    const [, problem] = this.surface.ping(tunnel.ping);
    tunnel.pingProblem = problem;
    if (problem === undefined) tunnel.pingsSent += 1;
  }

  /** What the daemon says decides nothing: a new epoch, and the answer through it, are the proof. */
  private command(tunnel: WatchedTunnel, kind: "rekey" | "initiate" | "new-ike", nowMs: number): void {
    const { connection } = tunnel.settings;
    const done = ({ text, problem }: CommandReport): void => {
      tunnel.daemonText = problem ?? text;
    };
    const hasNewEpoch = (): boolean => tunnel.machine.epochs().some(({ sinceMs }) => sinceMs > nowMs);
    if (kind === "rekey") tunnel.daemon.rekeyChild(connection, hasNewEpoch, done);
    else if (kind === "initiate") tunnel.daemon.initiate(connection, done);
    else tunnel.daemon.restartIke(connection, done);
  }

  private tell(tunnel: WatchedTunnel, text: string, nowMs: number): void {
    const { state } = tunnel.machine;
    if (tunnel.isNews({ atMs: nowMs, state, text })) this.surface.onNews(tunnel, text, true);
  }
}

function heirOf({ settings }: WatchedTunnel, tunnels: readonly WatchedTunnel[]): WatchedTunnel | undefined {
  return tunnels.find((tunnel) => tunnel.settings.name === settings.name);
}

function countOf({ machine }: WatchedTunnel): Count {
  const isDead = machine.outages.sinceMs !== undefined;
  return { alive: machine.state === "up" && !isDead ? 1 : 0, dead: isDead ? 1 : 0 };
}
