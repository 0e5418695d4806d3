// SPDX-License-Identifier: GPL-2.0-only
// One client's tunnel with its server: both ends with their daemons and watchdogs, and the traffic through it.

import { Random } from "../spec/random";
import { clientAddress, serverAddress } from "./addresses";
import type { EventQueue } from "./event-queue";
import type { EspPacket, Packet } from "./packet";
import { Peer, type PeerEpoch, type Surroundings } from "./peer";
import { type ClientPlan, clientParameters, serverParameters } from "./plan";
import { Requests, waitingTime } from "./requests";
import { WatchedEnd } from "./watched-end";

const PACKET_BYTES_MOST = 1400;
const PACKET_BYTES_LEAST = 80;

/** Where an end's packets go, and what is told of it. */
export interface TunnelSide {
  readonly queue: EventQueue;
  fromClient(this: void, packet: Packet): void;
  fromServer(this: void, packet: Packet): void;
  /** The client has a new epoch. */
  epochMade(this: void, tunnel: SimulatedTunnel): void;
  note(this: void, tunnel: SimulatedTunnel, isClient: boolean, text: string): void;
  newRandom(this: void): Random;
}

export class SimulatedTunnel {
  readonly client: Peer;
  readonly server: Peer;
  readonly requests: Requests;
  readonly clientAddress: number;
  readonly serverAddress: number;
  /** Since when packets for the client went to others only; undefined: the last one reached it. */
  wrongSinceMs: number | undefined;
  private readonly clientWatch: WatchedEnd | undefined;
  private readonly serverWatch: WatchedEnd | undefined;
  private readonly random: Random;

  constructor(
    readonly number: number,
    readonly plan: ClientPlan,
    private readonly side: TunnelSide,
  ) {
    this.random = side.newRandom();
    this.clientAddress = clientAddress(plan.number);
    this.serverAddress = serverAddress(plan.server);
    this.client = new Peer(number, true, this.serverAddress, this.around(true));
    this.server = new Peer(number, false, this.serverAddress, this.around(false));
    this.clientWatch = plan.isClientWatched ? this.watch(this.client, true) : undefined;
    this.serverWatch = plan.isServerWatched ? this.watch(this.server, false) : undefined;
    this.requests = new Requests(side.queue, this.random, plan, this.ask);
  }

  start(): void {
    this.client.run();
    this.clientWatch?.start();
    this.serverWatch?.start();
    this.requests.start();
    this.planPush();
  }

  /** A packet reached the client's, or the server's, host. */
  arriveAtClient(packet: Packet): void {
    if (packet.kind === "ike") {
      this.client.receiveIke(packet);
      return;
    }
    const epoch = this.client.epochOf(packet);
    if (epoch === undefined) return;
    this.clientWatch?.heard(epoch);
    if (packet.load === "reply") this.requests.heard(packet);
  }

  arriveAtServer(packet: Packet): void {
    if (packet.kind === "ike") {
      this.server.receiveIke(packet);
      return;
    }
    const epoch = this.server.epochOf(packet);
    if (epoch === undefined) return;
    this.serverWatch?.heard(epoch);
    if (packet.load === "request") this.reply(packet);
  }

  private around(isClient: boolean): Surroundings {
    const { side, plan } = this;
    const address = isClient ? this.clientAddress : this.serverAddress;
    return {
      queue: side.queue,
      random: side.newRandom(),
      plan,
      // A daemon, unlike a watchdog, leads nobody.
      parameters: serverParameters(plan),
      address: () => address,
      send: isClient ? side.fromClient : side.fromServer,
      appeared: (epoch) => {
        this.appeared(isClient, epoch);
      },
      gone: (epoch) => {
        (isClient ? this.clientWatch : this.serverWatch)?.gone(epoch);
      },
      note: (text) => {
        side.note(this, isClient, text);
      },
    };
  }

  private watch(peer: Peer, isClient: boolean): WatchedEnd {
    const { plan, side } = this;
    const parameters = isClient ? clientParameters(plan) : serverParameters(plan);
    const placed = (): void => {
      if (isClient) this.requests.release();
    };
    return new WatchedEnd(peer, parameters, side.queue, side.newRandom(), placed, (text) => {
      side.note(this, isClient, text);
    });
  }

  private appeared(isClient: boolean, epoch: PeerEpoch): void {
    if (isClient) this.side.epochMade(this);
    (isClient ? this.clientWatch : this.serverWatch)?.appeared(epoch);
    if (isClient) this.requests.release();
  }

  private readonly ask: (this: void, askedMs: number) => boolean = (askedMs) => {
    const epoch = this.clientWatch === undefined ? this.client.newest() : this.clientWatch.dataEpoch();
    if (epoch === undefined || !this.client.isRunning) return false;
    // What is asked again is short: ends learn that long packets vanish (RFC 4821), and their loss is no dead tunnel.
    const isFirst = askedMs === this.side.queue.nowMs;
    this.client.sendOn(epoch, "request", isFirst ? this.packetBytes() : PACKET_BYTES_LEAST, askedMs);
    this.clientWatch?.sent(epoch);
    return true;
  };

  private reply({ askedMs, lengthBytes }: EspPacket): void {
    const epoch = this.serverEpoch();
    if (epoch !== undefined) this.server.sendOn(epoch, "reply", lengthBytes, askedMs);
  }

  private serverEpoch(): PeerEpoch | undefined {
    return this.serverWatch === undefined ? this.server.newest() : this.serverWatch.dataEpoch();
  }

  private planPush(): void {
    const { intervalMs, pushPercent } = this.plan;
    if (pushPercent === 0) return;
    this.side.queue.after(waitingTime(this.random, (intervalMs * 100) / pushPercent), this.push, undefined);
  }

  private readonly push: (this: void, _: undefined) => void = (_) => {
    const epoch = this.serverEpoch();
    if (epoch !== undefined) this.server.sendOn(epoch, "push", this.packetBytes(), -1);
    this.planPush();
  };

  private packetBytes(): number {
    return PACKET_BYTES_LEAST + this.random.below(PACKET_BYTES_MOST - PACKET_BYTES_LEAST);
  }
}
