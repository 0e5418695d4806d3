// SPDX-License-Identifier: GPL-2.0-only
// One end of a tunnel: its epochs, its IKE daemon's timers, and what it does when the other end is silent.

import { type EpochParameters, rekeyAtMs } from "../../src/epoch/parameters";
import { drawSpi, type RenewalStyle, styleOf } from "./renewal";
import type { Random } from "../spec/random";
import type { EventQueue } from "./event-queue";
import { type Agreements, Negotiation } from "./negotiation";
import type { EspPacket, IkePacket, Load, Packet } from "./packet";
import type { ClientPlan } from "./plan";

/** A pair of SAs, as one end has it. SPIs are words, seen from the client. */
export interface PeerEpoch {
  readonly outSpi: number;
  readonly inSpi: number;
  /** Where the other end is, for this epoch's whole life (a word). */
  readonly remote: number;
  readonly bornMs: number;
  canSend: boolean;
  sequence: number;
  /** Which one this end made it for; undefined: the other end made it. */
  replaces: PeerEpoch | undefined;
}

/** What goes on around a peer. */
export interface Surroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly plan: ClientPlan;
  readonly parameters: EpochParameters;
  /** This end's address, and for a client the server's (words). */
  address(this: void): number;
  send(this: void, packet: Packet): void;
  appeared(this: void, epoch: PeerEpoch): void;
  gone(this: void, epoch: PeerEpoch): void;
  note(this: void, text: string): void;
}

/** The pause of a client's daemon before it begins anew. */
const RETRY_MS = 2000;
/** An IKE SA is renewed after this share of its life, and up to the second share more. */
const IKE_RENEWAL_SHARE = 0.8;
const IKE_RENEWAL_SPREAD = 0.15;
const MILLION = 1000000;

export class Peer implements Agreements {
  /** Oldest first. */
  readonly epochs: PeerEpoch[] = [];
  /** When a packet of the tunnel last came in. */
  lastInMs = 0;
  isRunning = true;
  /** Instead of random ones: for collisions. */
  nextSpi: number | undefined;
  nextCookie: { readonly high: number; readonly low: number } | undefined;
  readonly negotiation: Negotiation;
  private readonly style: RenewalStyle;
  /** The newest when this end last asked for a new one. */
  private replaced: PeerEpoch | undefined;
  /** Counts IKE SAs, so that a timer knows whether its own is still in use. */
  private session = 0;
  private lastIkeMs = 0;
  private isRetryPlanned = false;

  constructor(
    readonly tunnel: number,
    readonly isClient: boolean,
    private readonly server: number,
    private readonly around: Surroundings,
  ) {
    const { queue, random, plan, address } = around;
    this.style = styleOf(plan.version);
    this.negotiation = new Negotiation(tunnel, isClient, this.style, address, queue, random, this);
  }

  // ESP

  /** Sends on an epoch. @param askedMs see {@link EspPacket} */
  sendOn(epoch: PeerEpoch, load: Load, lengthBytes: number, askedMs: number): void {
    const { around, isClient } = this;
    epoch.sequence += 1;
    const spi = isClient ? epoch.outSpi : epoch.inSpi;
    const source = around.address();
    const { sequence, remote: destination } = epoch;
    around.send({ kind: "esp", source, destination, spi, sequence, lengthBytes, tunnel: this.tunnel, load, askedMs });
  }

  /** The newest that can be sent on: what the kernel uses unless it is told otherwise. */
  newest(): PeerEpoch | undefined {
    for (const index of $range(this.epochs.length - 1, 0, -1)) {
      if (this.epochs[index].canSend) return this.epochs[index];
    }
    return undefined;
  }

  /** The epoch that an incoming packet belongs to; undefined: it is not this end's, and is thrown away. */
  epochOf(packet: EspPacket): PeerEpoch | undefined {
    if (!this.isRunning || packet.tunnel !== this.tunnel) return undefined;
    for (const epoch of this.epochs) {
      if ((this.isClient ? epoch.inSpi : epoch.outSpi) === packet.spi) {
        this.lastInMs = this.around.queue.nowMs;
        return epoch;
      }
    }
    return undefined;
  }

  // The daemon, as it is told

  receiveIke(packet: IkePacket): void {
    if (this.isRunning && packet.message.tunnel === this.tunnel) this.negotiation.receive(packet);
  }

  /** A client's daemon: a new IKE SA, without a word to the server. */
  restartSession(): void {
    this.around.note("new IKE session");
    this.forgetAll();
    this.session += 1;
    this.negotiation.startSession(this.server);
  }

  /** A new epoch in the IKE SA that there is, or an IKE SA. */
  renew(): void {
    this.replaced = this.newest();
    if (this.negotiation.sa !== undefined) this.negotiation.start("epoch");
    else if (this.isClient && !this.negotiation.isBusy()) this.restartSession();
  }

  /** The daemon's process ends, and all SAs with it. */
  stop(): void {
    this.isRunning = false;
    this.session += 1;
    this.negotiation.reset();
    this.forgetAll();
  }

  run(): void {
    this.isRunning = true;
    if (this.isClient) this.restartSession();
  }

  // What the negotiation agreed on

  transmit(packet: IkePacket): void {
    if (this.isRunning) this.around.send(packet);
  }

  chooseSpi(): number {
    const chosen = this.nextSpi;
    this.nextSpi = undefined;
    return chosen ?? drawSpi((limit) => this.around.random.below(limit));
  }

  chooseInitiatorCookie(): { readonly high: number; readonly low: number } {
    const chosen = this.nextCookie;
    this.nextCookie = undefined;
    return chosen ?? { high: this.around.random.word(), low: 1 + this.around.random.below(0x7fffffff) };
  }

  sessionMade(): void {
    const { queue, plan, random } = this.around;
    this.session += 1;
    this.lastIkeMs = queue.nowMs;
    if (plan.deadPeerMs !== undefined) queue.after(plan.deadPeerMs, this.probePeer, this.session);
    if (plan.ikeLifeMs === undefined) return;
    const share = IKE_RENEWAL_SHARE + (IKE_RENEWAL_SPREAD * random.below(MILLION)) / MILLION;
    queue.after(plan.ikeLifeMs * share, this.renewSession, this.session);
  }

  epochReceivable(outSpi: number, inSpi: number): void {
    const { queue } = this.around;
    const remote = this.negotiation.sa?.remote ?? this.server;
    this.epochs.push({ outSpi, inSpi, remote, bornMs: queue.nowMs, canSend: false, sequence: 0, replaces: undefined });
  }

  epochUsable(outSpi: number, inSpi: number, isOurs: boolean): void {
    const epoch = this.epochs.find((one) => one.outSpi === outSpi && one.inSpi === inSpi);
    if (epoch === undefined || epoch.canSend) return;
    const { queue, parameters, random } = this.around;
    epoch.canSend = true;
    epoch.replaces = isOurs ? this.replaced : undefined;
    this.around.note(`epoch ${this.epochs.length} is there`);
    const atMs = rekeyAtMs(parameters, queue.nowMs, random.below(MILLION) / MILLION);
    queue.at(atMs, this.renewEpoch, epoch);
    queue.after(parameters.keylifeMs, this.expireEpoch, epoch);
    const { deletesOldMs } = this.style;
    if (isOurs && deletesOldMs !== undefined) queue.after(deletesOldMs, this.deleteReplaced, epoch);
    this.around.appeared(epoch);
  }

  epochDeleted(inSpi: number): void {
    const epoch = this.epochs.find((one) => one.inSpi === inSpi);
    if (epoch !== undefined) this.forget(epoch);
  }

  heard(): void {
    this.lastIkeMs = this.around.queue.nowMs;
  }

  /** The IKE SA is dead, and so are its epochs; a client begins anew. */
  failed(): void {
    this.around.note("the IKE session is not answered");
    this.session += 1;
    this.negotiation.reset();
    this.forgetAll();
    this.planRetry();
  }

  // Timers

  private readonly renewEpoch: (this: void, epoch: PeerEpoch) => void = (epoch) => {
    if (epoch === this.newest() && this.isRunning) this.renew();
  };

  private readonly expireEpoch: (this: void, epoch: PeerEpoch) => void = (epoch) => {
    if (this.epochs.includes(epoch)) this.forget(epoch);
  };

  private readonly deleteReplaced: (this: void, epoch: PeerEpoch) => void = ({ replaces }) => {
    if (replaces !== undefined && this.epochs.includes(replaces)) this.negotiation.start("delete", replaces.inSpi);
  };

  /** Dead peer detection: a question when neither IKE nor ESP has been heard for a while (RFC 3706 §5.5). */
  private readonly probePeer: (this: void, session: number) => void = (session) => {
    const { queue, plan } = this.around;
    if (session !== this.session || plan.deadPeerMs === undefined) return;
    const silentMs = queue.nowMs - Math.max(this.lastIkeMs, this.lastInMs);
    if (silentMs >= plan.deadPeerMs) this.negotiation.start("probe");
    queue.after(plan.deadPeerMs, this.probePeer, session);
  };

  private readonly renewSession: (this: void, session: number) => void = (session) => {
    if (session === this.session) this.negotiation.start("rekey-ike");
  };

  private planRetry(): void {
    if (!this.isClient || !this.isRunning || this.isRetryPlanned) return;
    this.isRetryPlanned = true;
    this.around.queue.after(RETRY_MS, this.retry, undefined);
  }

  private readonly retry: (this: void, _: undefined) => void = (_) => {
    this.isRetryPlanned = false;
    const isNeeded = this.isRunning && this.newest() === undefined && !this.negotiation.isBusy();
    if (isNeeded) this.restartSession();
  };

  private forget(epoch: PeerEpoch): void {
    this.epochs.splice(this.epochs.indexOf(epoch), 1);
    if (!epoch.canSend) return;
    this.around.gone(epoch);
    if (this.newest() === undefined) this.planRetry();
  }

  private forgetAll(): void {
    for (const epoch of [...this.epochs]) this.forget(epoch);
  }
}
