// SPDX-License-Identifier: GPL-2.0-only
// A site that lives: clients behind a NAT, the way to their servers, what befalls them, and what must hold all the time.

import { DEFAULT_LIMITS } from "../../src/masquerade/limits";
import { Random } from "../spec/random";
import { clientNumber, wanAddress } from "./addresses";
import { Attacker } from "./attack";
import { EventQueue } from "./event-queue";
import { FaultInjector } from "./fault-injector";
import { Link } from "./link";
import { makeNat } from "./nat/make-nat";
import type { Nat, Sides } from "./nat/nat";
import { NOBODY, type Packet, readdressed } from "./packet";
import type { ClientPlan, Scenario } from "./plan";
import { Promises, type Violation } from "./promises";
import { arrowOf, packetText, type Trace } from "./trace";
import { SimulatedTunnel } from "./tunnel";

/** Park and Miller's generator has so many seeds. */
const SEEDS = 2147483646;
/** Spreads the seeds of one site's parts, and those of neighbouring sites. */
const SEED_STEP = 7368787;
const LAN_MS = 0;
/** Tunnels that are dead are looked for so often. */
const WATCH_MS = 5000;

/** What came of a run. */
export interface Outcome {
  readonly violation: Violation | undefined;
  readonly epochs: number;
  readonly events: number;
}

export class Site implements Sides {
  readonly queue = new EventQueue();
  readonly tunnels: readonly SimulatedTunnel[];
  readonly nat: Nat;
  readonly promises: Promises;
  readonly isTraced: boolean;
  readonly wanOut: Link;
  readonly wanIn: Link;
  epochs = 0;
  /** Servers that are down. */
  readonly downServers = new LuaSet<number>();
  private seedAt: number;

  /** @param auditEvery events between two audits of the NAT's state */
  constructor(
    readonly scenario: Scenario,
    private readonly auditEvery: number,
    private readonly trace: Trace | undefined,
  ) {
    this.isTraced = trace !== undefined;
    this.seedAt = scenario.seed;
    this.promises = new Promises(this);
    const limits = { ...DEFAULT_LIMITS, ...scenario.limits };
    this.nat = makeNat(scenario.nat, this, this.newRandom(), limits, wanAddress(0));
    this.wanOut = new Link(this.queue, this.newRandom(), scenario.link, this.reachServer);
    this.wanIn = new Link(this.queue, this.newRandom(), scenario.link, this.reachRouter);
    this.tunnels = scenario.clients.map((plan, number) => this.newTunnel(plan, number));
    for (const tunnel of this.tunnels) this.queue.at(tunnel.plan.startMs, this.startTunnel, tunnel);
    const injector = new FaultInjector(this, this.newRandom());
    const attacker = new Attacker(this, this.newRandom());
    for (const fault of scenario.faults) {
      if ("perSecond" in fault) attacker.plan(fault);
      else injector.plan(fault);
    }
    this.queue.after(WATCH_MS, this.watch, undefined);
  }

  private newTunnel(plan: ClientPlan, number: number): SimulatedTunnel {
    return new SimulatedTunnel(number, plan, {
      queue: this.queue,
      fromClient: this.leaveClient,
      fromServer: this.leaveServer,
      epochMade: this.epochMade,
      note: this.noteEnd,
      newRandom: this.newRandom,
    });
  }

  /** Lets the site live to its end, or to the first broken promise. */
  run(): Outcome {
    const { queue, promises, scenario, auditEvery } = this;
    let untilAudit = auditEvery;
    while (promises.violation === undefined && queue.step(scenario.durationMs)) {
      untilAudit -= 1;
      if (untilAudit <= 0) {
        promises.auditState(this.nat);
        untilAudit = auditEvery;
      }
    }
    return { violation: promises.violation, epochs: this.epochs, events: queue.happened };
  }

  /** A generator of its own for each part, so that leaving a part out changes the others as little as it can. */
  readonly newRandom: (this: void) => Random = () => {
    this.seedAt = this.seedAt + SEED_STEP;
    return new Random(1 + (this.seedAt - Math.floor(this.seedAt / SEEDS) * SEEDS));
  };

  // The router's sides

  toWan(packet: Packet): void {
    this.show(packet, false, true);
    this.wanOut.carry(packet);
  }

  toClients(packet: Packet, clients: readonly number[]): void {
    this.promises.delivered(packet, clients);
    for (const client of clients) {
      const copy = readdressed(packet, packet.source, client);
      this.show(copy, true, false);
      this.queue.after(LAN_MS, this.reachClient, copy);
    }
  }

  violated(what: string): void {
    this.promises.break("router", what, undefined);
  }

  noteDecision(packet: Packet, reason: string): void {
    this.note(this.clientOf(packet), "R", reason);
  }

  /** For the trace. @param client whom it concerns; undefined: everybody */
  note(client: number | undefined, arrow: string, text: string): void {
    this.trace?.add({ atMs: this.queue.nowMs, client, arrow, text });
  }

  // The ways

  readonly leaveClient: (this: void, packet: Packet) => void = (packet) => {
    this.show(packet, true, true);
    this.nat.fromLan(packet);
  };

  private readonly leaveServer: (this: void, packet: Packet) => void = (packet) => {
    if (this.downServers.has(packet.source)) return;
    this.show(packet, false, false);
    this.wanIn.carry(packet);
  };

  readonly reachRouter: (this: void, packet: Packet) => void = (packet) => {
    this.nat.fromWan(packet);
  };

  private readonly reachServer: (this: void, packet: Packet) => void = (packet) => {
    const tunnel = this.tunnelOf(packet);
    if (tunnel === undefined || packet.destination !== tunnel.serverAddress) return;
    if (!this.downServers.has(packet.destination)) tunnel.arriveAtServer(packet);
  };

  private readonly reachClient: (this: void, packet: Packet) => void = (packet) => {
    const tunnel = this.tunnelOf(packet);
    if (tunnel?.clientAddress === packet.destination) tunnel.arriveAtClient(packet);
  };

  tunnelOf(packet: Packet): SimulatedTunnel | undefined {
    const number = packet.kind === "esp" ? packet.tunnel : packet.message.tunnel;
    return number === NOBODY ? undefined : this.tunnels[number];
  }

  // What happens

  private readonly startTunnel: (this: void, tunnel: SimulatedTunnel) => void = (tunnel) => {
    tunnel.start();
  };

  private readonly epochMade: (this: void, _tunnel: SimulatedTunnel) => void = (_tunnel) => {
    this.epochs += 1;
  };

  private readonly watch: (this: void, _: undefined) => void = (_) => {
    this.promises.lookForDead();
    this.queue.after(WATCH_MS, this.watch, undefined);
  };

  private readonly noteEnd: (this: void, tunnel: SimulatedTunnel, isClient: boolean, text: string) => void = (
    { plan },
    isClient,
    text,
  ) => {
    this.note(plan.number, isClient ? `C${plan.number}` : `S${plan.server}`, text);
  };

  /** Whom a packet is about, for the trace. */
  private clientOf(packet: Packet): number | undefined {
    return this.tunnelOf(packet)?.plan.number ?? clientNumber(packet.source);
  }

  private show(packet: Packet, isLan: boolean, isOutward: boolean): void {
    if (this.trace === undefined) return;
    this.note(this.clientOf(packet), arrowOf(packet, isLan, isOutward), packetText(packet));
  }
}
