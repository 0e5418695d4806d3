// SPDX-License-Identifier: GPL-2.0-only
// Clients, one server and the shipped trackers between them, moved one step at a time by whoever explores.
//
// Nothing happens by itself: which message passes next, whether an answer comes, whether time runs out or the router
// starts again is a step, and every order of steps is somebody's network. Times are coarse: a step of waiting is longer
// than a turn (Tout), one of silence longer than an idle item is kept (Tei).

import type { EspAlgorithm } from "../../src/masquerade/esp";
import { DEFAULT_LIMITS, type Limits } from "../../src/masquerade/limits";
import { address } from "../spec/frame";
import { inherit } from "../spec/masquerade/inheritance";
import { ikeMessage, TrackedRouter } from "../spec/masquerade/tracked-router";
import { Blame } from "./blame";

export interface Rules {
  readonly clients: number;
  /** Epochs of each client. */
  readonly epochs: number;
  readonly algorithm: EspAlgorithm;
  /** The server sends on an epoch before it heard the client on it; one with VMA, and most others, waits. */
  readonly serverFirst: boolean;
  /** Answers may come after Tout; else they come within it or are lost. */
  readonly lateAnswers: boolean;
  /** The first epochs of the first two clients have one incoming SPI. */
  readonly collision: boolean;
  /** How often Tout runs out, all is silent for longer than Tei, the router restarts with its snapshot and without. */
  readonly waits: number;
  readonly silences: number;
  readonly restarts: number;
  readonly crashes: number;
  /** A client that hears nothing renews: VMA's ping and rekey. */
  readonly renewsOnSilence: boolean;
}

export const SERVER = address("198.51.100.1");
export const FIRST_CLIENT = address("192.168.1.2");
/** Of each epoch, sent by the server while exploring; more tell no more orders apart. */
const SERVER_PACKETS_MAX = 2;
const START_MS = 10_000_000;
const TICK_MS = 100;
const QUICK_MODE = 32;
/** Each client's message and the answer to it look alike, and alike each time. */
const QUICK_MODES = [0, 1, 2].map((client) =>
  ikeMessage({
    initiatorCookie: string.format("%016x", 1 + client),
    responderCookie: string.format("%016x", 0x100 + client),
    exchangeType: QUICK_MODE,
    majorVersion: 1,
  }),
);

/**
 * No limit of the tables is reached with so few clients, and small tables are copied quickly. Nout is reached by the
 * second packet: more tell no more orders apart.
 */
export const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  espItemsMax: 64,
  espItemsPerClientMax: 16,
  espOutstandingSendsMax: 2,
  ikeItemsMax: 16,
};
/** Packets held for one item: what one more would do, the second has done. */
const HELD_MAX = 2;

/** Longer than a turn, in ticks; and longer than an idle item is kept. */
const WAIT_TICKS = LIMITS.espOutstandingMs / TICK_MS + 1;
const SILENCE_MS = LIMITS.espIdleMs + 60_000;

/** The SPIs of the first client's first epoch; the incoming one is the other's as well in a collision. */
export const FIRST_OUT_SPI = 0x1000;
export const FIRST_IN_SPI = 0x2000;
/** From a client's first SPI to the next one's: more than it has epochs, renewals in its future included. */
export const SPIS_OF_CLIENT = 16;

export interface Epoch {
  readonly outSpi: number;
  readonly inSpi: number;
  /** The server heard the client on it. */
  isUsed: boolean;
  /** The server owes an answer. */
  isOwed: boolean;
  /** Packets that the server sent on it. */
  sequence: number;
  /** The client heard the server on it. */
  isHeard: boolean;
}

export class Client {
  readonly epochs: Epoch[] = [];
  heardMs = 0;
  /** In the future that is tried: for how many rounds running it has been heard, or has heard nothing. */
  steadyRounds = 0;
  silentRounds = 0;

  constructor(
    readonly number: number,
    readonly address: number,
  ) {}

  newest(): Epoch | undefined {
    return this.epochs[this.epochs.length - 1];
  }
}

export const enum Kind {
  /** A client and the server make an epoch, over IKE. */
  Negotiate,
  /** The client sends on its newest epoch. */
  Send,
  /** The server answers what it got on an epoch. */
  Answer,
  /** That answer, or what it would answer, is lost. */
  Lose,
  /** The server sends on its own account, on a client's newest epoch. */
  Push,
  Wait,
  Silence,
  Restart,
  Crash,
}

export interface Step {
  readonly kind: Kind;
  readonly client: number;
  readonly epoch: number;
}

export class World {
  readonly clients: Client[] = [];
  readonly blame: Blame;
  router: TrackedRouter;
  nowMs = START_MS;
  waits = 0;
  silences = 0;
  restarts = 0;
  crashes = 0;
  /** Packets that went to others only. */
  misdelivered = 0;

  constructor(readonly rules: Rules) {
    this.router = this.newRouter();
    this.blame = new Blame(this);
    for (const number of $range(0, rules.clients - 1)) this.clients.push(new Client(number, FIRST_CLIENT + number));
  }

  /** What is the same in all states, or tells nothing of them. */
  unchanging(): object[] {
    return [this.rules, ...this.router.passing()];
  }

  /** The steps that may come next. */
  possible(): Step[] {
    const steps: Step[] = [];
    for (const client of this.clients) this.stepsOf(client, steps);
    const { waits, silences, restarts, crashes } = this.rules;
    const isQuiet = this.rules.lateAnswers || !this.owesAny();
    if (this.waits < waits && isQuiet) steps.push(plain(Kind.Wait));
    if (this.silences < silences && isQuiet) steps.push(plain(Kind.Silence));
    if (this.restarts < restarts) steps.push(plain(Kind.Restart));
    if (this.crashes < crashes) steps.push(plain(Kind.Crash));
    return steps;
  }

  private stepsOf({ number, epochs }: Client, steps: Step[]): void {
    const { rules } = this;
    if (epochs.length < rules.epochs) steps.push(of(Kind.Negotiate, number));
    if (epochs.length > 0) steps.push(of(Kind.Send, number));
    for (const at of $range(0, epochs.length - 1)) {
      const epoch = epochs[at];
      const isNewest = at === epochs.length - 1;
      if (epoch.isOwed) steps.push({ kind: Kind.Lose, client: number, epoch: at });
      if (epoch.sequence < SERVER_PACKETS_MAX) {
        if (epoch.isOwed) steps.push({ kind: Kind.Answer, client: number, epoch: at });
        else if (isNewest && (rules.serverFirst || epoch.isUsed)) steps.push(of(Kind.Push, number));
      }
    }
  }

  /** @param choice counts the possible steps from 0 */
  choose(choice: number): void {
    this.take(this.possible()[choice]);
  }

  take({ kind, client, epoch }: Step): void {
    const whose = this.clients[client];
    if (kind === Kind.Negotiate) this.negotiate(whose);
    else if (kind === Kind.Send) this.send(whose);
    else if (kind === Kind.Answer) this.answer(whose, whose.epochs[epoch]);
    else if (kind === Kind.Lose) whose.epochs[epoch].isOwed = false;
    else if (kind === Kind.Push) this.serverSends(whose, whose.newest()!);
    else this.takePlain(kind);
  }

  private takePlain(kind: Kind): void {
    if (kind === Kind.Wait) {
      this.waits += 1;
      this.blame.noteWait();
      this.pass(WAIT_TICKS);
    } else if (kind === Kind.Silence) {
      this.silences += 1;
      this.blame.noteSilence();
      this.jump(SILENCE_MS);
    } else if (kind === Kind.Restart) {
      this.restarts += 1;
      this.restart();
    } else {
      this.crashes += 1;
      this.blame.noteCrash();
      this.router = this.newRouter();
      this.router.esp.startRelearning(this.nowMs);
    }
  }

  // What clients and server do

  negotiate(client: Client): void {
    const at = client.epochs.length;
    const isCollision = this.rules.collision && at === 0 && client.number === 1;
    const place = client.number * SPIS_OF_CLIENT + at;
    const inSpi = isCollision ? FIRST_IN_SPI : FIRST_IN_SPI + place;
    const outSpi = FIRST_OUT_SPI + place;
    client.epochs.push({ outSpi, inSpi, isUsed: false, isOwed: false, sequence: 0, isHeard: false });
    const message = QUICK_MODES[client.number];
    this.router.ikeFromClient(client.address, SERVER, message);
    this.router.ikeFromServer(SERVER, message);
  }

  send(client: Client): void {
    const epoch = client.newest()!;
    this.router.send({ client: client.address, server: SERVER, spi: epoch.outSpi, content: epoch, leave: reachServer });
  }

  answer(client: Client, epoch: Epoch): void {
    epoch.isOwed = false;
    this.serverSends(client, epoch);
  }

  serverSends(client: Client, epoch: Epoch): void {
    epoch.sequence += 1;
    this.blame.noteServerPacket(epoch);
    const receivers = this.router.receive(SERVER, epoch.inSpi, epoch.sequence);
    const isHeard = receivers.includes(client.address);
    this.blame.noteDelivery(epoch, isHeard);
    if (!isHeard && receivers.length > 0) this.misdelivered += 1;
    if (!isHeard) return;
    epoch.isHeard = true;
    client.heardMs = this.nowMs;
  }

  // Time, and the router's own fate

  pass(ticks: number): void {
    for (const _ of $range(1, ticks)) {
      this.nowMs += TICK_MS;
      this.router.nowMs = this.nowMs;
      this.router.tick();
    }
  }

  private jump(durationMs: number): void {
    this.nowMs += durationMs;
    this.router.nowMs = this.nowMs;
    // Every record is looked at within fifty ticks.
    this.pass(50);
  }

  private newRouter(): TrackedRouter {
    const router = new TrackedRouter(LIMITS, this.rules.algorithm, HELD_MAX);
    router.nowMs = this.nowMs;
    return router;
  }

  /** With a snapshot: what an answer proved is there again, what was held is not. */
  private restart(): void {
    const before = this.router;
    this.router = this.newRouter();
    inherit(this.router, before, LIMITS, this.nowMs);
  }

  private owesAny(): boolean {
    return this.clients.some(({ epochs }) => epochs.some(({ isOwed }) => isOwed));
  }
}

/** A client's packet on an epoch reaches the server. */
function reachServer(epoch: Epoch): void {
  epoch.isUsed = true;
  epoch.isOwed = true;
}

function of(kind: Kind, client: number): Step {
  return { kind, client, epoch: 0 };
}

function plain(kind: Kind): Step {
  return of(kind, 0);
}
