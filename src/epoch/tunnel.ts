// SPDX-License-Identifier: GPL-2.0-only
// One tunnel at an IPsec peer: which of its epochs carries data, which is pinged, and what is done when none answers.
//
// An epoch is a pair of SAs, one each way. That it was negotiated proves nothing about the NAT in between; a packet on
// its incoming SA does (draft-brustoloni-vma-00, modifications 2 and 3). So a new epoch is pinged, data stays on the
// old one as long as that lives and is held when it goes, and moves at the answer. A server waits in the same way, but
// neither pings nor recovers: it cannot reach a client whose NAT has forgotten it.
//
// The machine is told what happened and answers with two things: a placement, which says where data and pings belong
// from now on (the shell makes it so, as often as it likes), and orders, which are done once. Time is an argument, so
// the same code runs on the board, in specs and under exploration.

import { type Epoch, EpochList } from "./epoch-list";
import { type Action, type Evidence, Ladder, type Step } from "./ladder";
import { OutageRecord } from "./outage-record";
import { type EpochParameters, rekeyAtMs, switchByMs } from "./parameters";
import { Probe } from "./probe";
import { RoundTrip } from "./round-trip";
import { Silence } from "./silence";

export type { Epoch } from "./epoch-list";

/** Where data and pings belong. */
export interface Placement {
  /** The epoch whose outgoing SA carries data; "hold": none yet, keep it in the queue. */
  readonly data: Epoch | "hold";
  /** The epoch that pings are sent on; undefined: no pings now. */
  readonly ping: Epoch | undefined;
}

export type Order =
  | { readonly kind: "ping"; readonly epoch: Epoch; readonly attempt: number }
  | { readonly kind: Action; readonly because: string }
  | { readonly kind: "tell"; readonly state: TunnelState; readonly text: string };

export type TunnelState =
  /** No epoch: the IKE daemon has not made one, or has lost it. */
  | "down"
  /** The newest epoch has not answered yet. */
  | "confirming"
  /** Answered; data flows. */
  | "up"
  /** Answered once, silent now, and pinged. */
  | "probing"
  /** A rekey or a new IKE session was asked for, or will be. */
  | "recovering";

/** What the kernel tells of a pair of SAs that is older than this process. */
export interface FoundEpoch {
  readonly outSpi: number;
  readonly inSpi: number;
  readonly sinceMs: number;
  /** A packet has come in on it. */
  readonly isAnswered: boolean;
}

/** What will be done when, if nothing changes; for people. */
export interface NextStep {
  readonly what: string;
  /** Undefined: it waits for something else than a time. */
  readonly atMs: number | undefined;
}

/** An action that was ordered and whose proof, a new epoch, is awaited. */
interface Awaited {
  readonly action: Action;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Rows of pings without an answer, on whatever epochs: more show that new epochs alone are no progress. */
const ROWS_MAX = 4;
/** After a rekey that was asked for because of age and came to nothing. The old epoch still works. */
const RENEWAL_PAUSE_LEAST_MS = 60000;
/** Of the time that is left to the old epoch, the share to wait before asking again. */
const RENEWAL_PAUSE_SHARE = 1 / 4;
/** Negotiations' time after an order in which an epoch that appears is taken for its result. */
const OWN_EPOCH_NEGOTIATIONS = 2;
/**
 * The least time that a rekey gets, however fast those before were. libreswan repeats a lost message after 0.5, 1.5 and
 * 3.5 s; a router that starts again within that time must not cost an IKE session.
 */
const REKEY_LEAST_MS = 4000;
/** A tick that comes this late says that the process, not the network, was silent: its waits begin anew. */
const TICK_LATE_MS = 2000;

export class Tunnel {
  state: TunnelState = "down";
  nextStep: NextStep | undefined;
  readonly outages = new OutageRecord();

  private readonly list = new EpochList();
  private readonly probe: Probe;
  private readonly silence: Silence;
  /** Of rekeys, from the order to the new epoch. */
  private readonly rekeyTime = new RoundTrip();
  private readonly ladder: Ladder;
  private readonly isClient: boolean;
  private step: Step | undefined;
  private awaited: Awaited | undefined;
  /** No action before this: the IKE daemon may be at work by itself. */
  private graceEndsMs: number | undefined;
  private rekeyDueMs = Infinity;
  /** When a server moves to an epoch that was not confirmed. */
  private switchMs = Infinity;
  /** An epoch that appears until then was asked for. */
  private ownEpochUntilMs = -Infinity;
  private tickMs: number | undefined;
  private wasLate = false;
  private couldHelp = true;

  /** @param random gives numbers from 0 to 1 */
  constructor(
    readonly name: string,
    readonly parameters: EpochParameters,
    private readonly random: () => number,
  ) {
    this.probe = new Probe(parameters);
    this.silence = new Silence(parameters);
    this.ladder = new Ladder(random);
    this.isClient = parameters.role === "client";
  }

  /** Those that live, oldest first. */
  epochs(): readonly Epoch[] {
    return this.list.all;
  }

  /** Smoothed round-trip time through the tunnel; undefined before the first measurement. */
  roundTripMs(): number | undefined {
    return this.probe.roundTripMs();
  }

  /** When the last packet came in on any epoch that lives. */
  lastInMs(): number | undefined {
    let lastMs: number | undefined;
    for (const epoch of this.list.all) {
      if (epoch.lastInMs !== undefined && epoch.lastInMs > (lastMs ?? -Infinity)) lastMs = epoch.lastInMs;
    }
    return lastMs;
  }

  /** Whether what a client does next may depend on what else is known: it is not proved that the tunnel works. */
  isDoubtful(): boolean {
    const isAnswerMissing = this.state === "probing" && this.probe.attempts > 1;
    const isUnproved = this.state === "confirming" || this.state === "recovering" || isAnswerMissing;
    return this.isClient && (isUnproved || this.outages.sinceMs !== undefined);
  }

  /** Where data and pings belong now. Changes with time alone, too. */
  placement(nowMs: number): Placement {
    const isPinging = this.probe.dueMs !== undefined;
    return { data: this.dataEpoch(nowMs) ?? "hold", ping: isPinging ? this.list.newest() : undefined };
  }

  // What the kernel tells

  /** The kernel has a new pair of SAs. */
  epochAppeared(outSpi: number, inSpi: number, nowMs: number): Order[] {
    if (this.list.has(outSpi, inSpi)) return [];
    if (this.isToBeIgnored(nowMs)) {
      this.addEpoch({ outSpi, inSpi, sinceMs: nowMs, isAnswered: false }, true);
      this.rekeyDueMs = nowMs;
      return [];
    }
    this.addEpoch({ outSpi, inSpi, sinceMs: nowMs, isAnswered: false }, false);
    this.rekeyDueMs = rekeyAtMs(this.parameters, nowMs, this.random());
    if (this.awaited?.action === "rekey") this.rekeyTime.measured(nowMs - this.awaited.sinceMs);
    if (this.areEpochsFutile() && this.state === "recovering") return this.pingNewest(nowMs);
    this.awaited = undefined;
    this.step = undefined;
    return this.confirm("a new epoch has come", nowMs);
  }

  /** A pair of SAs was there before this process. To be told oldest first. Data stays where it is, and is probed. */
  adopt(found: FoundEpoch, nowMs: number): Order[] {
    if (this.list.has(found.outSpi, found.inSpi)) return [];
    this.addEpoch(found, false);
    this.rekeyDueMs = rekeyAtMs(this.parameters, found.sinceMs, this.random());
    return this.resume("an epoch was found", nowMs);
  }

  /** The kernel removed one of a pair's SAs, or both. */
  epochGone(spi: number, nowMs: number): Order[] {
    const newest = this.list.newest();
    if (!this.list.remove(spi)) return [];
    if (this.list.newest() === newest) return [];
    if (this.list.all.length > 0) return this.resume("the newest epoch was removed", nowMs);
    this.probe.stop();
    this.step = undefined;
    this.switchMs = Infinity;
    this.rekeyDueMs = Infinity;
    this.outages.begin("the last epoch was removed", nowMs);
    if (this.awaited === undefined) this.graceEndsMs = nowMs + this.parameters.negotiationMs;
    return this.become("down", "no epoch is left");
  }

  /** Packets came in on an incoming SA: the answer, whatever they carry. */
  inboundSeen(inSpi: number, nowMs: number): Order[] {
    const epoch = this.list.byInSpi(inSpi);
    if (epoch === undefined) return [];
    const isFirst = epoch.answeredMs === undefined;
    epoch.lastInMs = nowMs;
    epoch.answeredMs = epoch.answeredMs ?? nowMs;
    if (epoch.isIgnored) this.follow(epoch);
    if (epoch !== this.list.newest()) return [];
    this.silence.heard(this.state === "probing");
    this.probe.answered(nowMs);
    this.step = undefined;
    this.switchMs = Infinity;
    // A renewal that was asked for is still to come; a recovery is no longer needed.
    if (this.state === "recovering") this.awaited = undefined;
    this.ladder.reset();
    this.outages.end(nowMs);
    return this.become("up", isFirst ? "the epoch was answered" : "the tunnel was answered again");
  }

  /** For a while packets went out on an outgoing SA, and none came in on its partner. */
  outboundUnanswered(outSpi: number): void {
    if (this.list.newest()?.outSpi === outSpi && this.state === "up") this.silence.sent();
  }

  /** Time has passed: what is due is ordered. Call a few times a second. */
  tick(nowMs: number, evidence: Evidence): Order[] {
    this.excuseAbsence(nowMs);
    if (!this.isClient) return this.waitAsServer();
    this.graceEndsMs = this.graceEndsMs ?? nowMs + this.parameters.negotiationMs;
    if (!evidence.isWanUp) return this.waitForWan();
    this.weigh(evidence, nowMs);
    const pings = joined(this.watchSilence(nowMs), this.repeatPing(nowMs, evidence));
    return joined(pings, this.act(nowMs, evidence));
  }

  // Epochs and data

  private addEpoch({ outSpi, inSpi, sinceMs, isAnswered }: FoundEpoch, isIgnored: boolean): void {
    const carrying = this.list.answered();
    if (carrying !== undefined && !isAnswered) this.switchMs = switchByMs(this.parameters, carrying.sinceMs);
    const answeredMs = isAnswered ? sinceMs : undefined;
    this.list.add({ outSpi, inSpi, sinceMs, answeredMs, lastInMs: answeredMs, supersededMs: undefined, isIgnored });
  }

  /** The newest when it answered; else the one that answered before it, while the daemon lets it live. */
  private dataEpoch(nowMs: number): Epoch | undefined {
    const newest = this.list.newest();
    const answered = this.list.answered();
    if (newest === answered) return newest;
    if (!this.isClient && nowMs >= this.switchMs) return newest;
    if (answered?.supersededMs === undefined) return answered;
    return nowMs - answered.supersededMs < this.parameters.oldEpochMs ? answered : undefined;
  }

  /** Not asked for, while another works: the server's doing. */
  private isToBeIgnored(nowMs: number): boolean {
    if (!this.isClient || !this.parameters.ignoresServerRekey) return false;
    return this.list.answered() !== undefined && nowMs > this.ownEpochUntilMs;
  }

  /** A packet on an ignored epoch: the server has moved to it, and the NAT lets it through. */
  private follow(epoch: Epoch): void {
    epoch.isIgnored = false;
    this.rekeyDueMs = rekeyAtMs(this.parameters, epoch.sinceMs, this.random());
  }

  /** Asks the newest epoch for its first answer. */
  private confirm(text: string, nowMs: number): Order[] {
    const told = this.become("confirming", text);
    return joined(told, this.pingNewest(nowMs));
  }

  /** Another epoch has become the newest, or one was found: is it answered, still? */
  private resume(text: string, nowMs: number): Order[] {
    const newest = this.list.newest();
    if (newest?.answeredMs === undefined) return this.confirm(text, nowMs);
    const told = this.become(this.isClient ? "probing" : "up", text);
    return joined(told, this.pingNewest(nowMs));
  }

  // Pings

  private pingNewest(nowMs: number): Order[] {
    if (!this.isClient) return [];
    this.beginRow(nowMs);
    return this.sendPing(nowMs);
  }

  private beginRow(nowMs: number): void {
    this.probe.begin(nowMs, this.list.newest()?.answeredMs !== undefined);
  }

  /** The IKE daemon makes one epoch after the other, and none is answered. */
  private areEpochsFutile(): boolean {
    return this.probe.unanswered >= ROWS_MAX * this.parameters.pingTries;
  }

  private sendPing(nowMs: number): Order[] {
    const epoch = this.list.newest();
    if (epoch === undefined) return [];
    this.probe.sent(nowMs);
    this.nextStep = { what: "ping", atMs: this.probe.dueMs };
    return [{ kind: "ping", epoch, attempt: this.probe.attempts }];
  }

  /** An answered tunnel on which nothing comes in is probed. */
  private watchSilence(nowMs: number): Order[] {
    const epoch = this.list.newest();
    if (this.state !== "up" || epoch === undefined) return [];
    const dueMs = this.silence.dueMs(epoch.lastInMs ?? epoch.sinceMs, this.probe.timeoutMs(1));
    this.nextStep = { what: "ping", atMs: dueMs };
    if (nowMs < dueMs) return [];
    this.beginRow(nowMs);
    return this.become("probing", "nothing came in for too long");
  }

  /** Pings go on during a recovery: the NAT may be back at any moment, and then nothing else is needed. */
  private repeatPing(nowMs: number, evidence: Evidence): Order[] {
    const { dueMs } = this.probe;
    if (dueMs === undefined) return [];
    const isDue = nowMs >= dueMs;
    const isGivenUp = this.areEpochsFutile() || (isDue && this.probe.isExhausted());
    const told = isGivenUp && this.state !== "recovering" ? this.giveUp(nowMs, evidence) : [];
    return isDue ? joined(told, this.sendPing(nowMs)) : told;
  }

  private giveUp(nowMs: number, evidence: Evidence): Order[] {
    this.outages.begin("pings were not answered", this.probe.sinceMs);
    const told = this.become("recovering", `${this.probe.unanswered} pings were not answered`);
    if (this.awaited === undefined) this.climb(nowMs, evidence);
    else this.await({ ...this.awaited, untilMs: Math.min(this.awaited.untilMs, nowMs + this.rekeyMs()) });
    return told;
  }

  // Actions

  private act(nowMs: number, evidence: Evidence): Order[] {
    if (this.awaited !== undefined) return this.awaitEpoch(this.awaited, nowMs);
    if (this.step !== undefined) return this.take(this.step, nowMs);
    if (this.state === "up") return this.renew(nowMs);
    if (this.state === "recovering") this.climb(nowMs, evidence);
    if (this.state === "down" && nowMs >= (this.graceEndsMs ?? nowMs)) this.climb(nowMs, evidence);
    return [];
  }

  private climb(nowMs: number, evidence: Evidence): void {
    this.step = this.ladder.next(nowMs, evidence, this.list.all.length > 0);
    if (this.step !== undefined) this.nextStep = { what: this.step.action, atMs: this.step.atMs };
    else this.nextStep = { what: "learn whether the server answers anything", atMs: undefined };
  }

  private take(step: Step, nowMs: number): Order[] {
    if (nowMs < step.atMs) return [];
    this.step = undefined;
    this.outages.begin(step.because, nowMs);
    this.outages.tried(step.action);
    const told = this.become("recovering", step.because);
    return joined(told, this.order(step.action, step.because, nowMs));
  }

  /** Before the server does, a client asks for a successor. */
  private renew(nowMs: number): Order[] {
    if (nowMs < this.rekeyDueMs) return [];
    return this.order(
      "rekey",
      this.list.hasIgnored() ? "the server's rekey is not followed" : "the epoch is old",
      nowMs,
    );
  }

  /** An order is given once; a new epoch is its proof, and until then, or its end, nothing else is ordered. */
  private order(action: Action, because: string, nowMs: number): Order[] {
    this.ladder.took(action, nowMs);
    this.awaitAnew(action, nowMs);
    this.ownEpochUntilMs = nowMs + OWN_EPOCH_NEGOTIATIONS * this.parameters.negotiationMs;
    this.probe.unanswered = 0;
    return [{ kind: action, because }];
  }

  /** A rekey that nothing depends on may take as long as it likes. */
  private awaitAnew(action: Action, nowMs: number): void {
    const isUrgent = action === "rekey" && this.state === "recovering";
    const patienceMs = isUrgent ? this.rekeyMs() : this.parameters.negotiationMs;
    this.await({ action, sinceMs: nowMs, untilMs: nowMs + patienceMs });
  }

  private await(awaited: Awaited): void {
    this.awaited = awaited;
    this.nextStep = { what: `the ${awaited.action} is to make a new epoch`, atMs: awaited.untilMs };
  }

  /** How long a rekey may take: as those before let expect (RFC 6298 §2), and no longer than is configured. */
  private rekeyMs(): number {
    const { rekeyMs } = this.parameters;
    return this.rekeyTime.meanMs === undefined ? rekeyMs : this.rekeyTime.timeoutMs(1, REKEY_LEAST_MS, rekeyMs);
  }

  private awaitEpoch({ action, untilMs }: Awaited, nowMs: number): Order[] {
    if (nowMs < untilMs) return [];
    this.awaited = undefined;
    this.ladder.failed(action);
    if (this.state === "up" || this.state === "probing") {
      this.retryRenewal(nowMs);
      return [];
    }
    return this.become("recovering", `no new epoch came of the ${action}`);
  }

  private retryRenewal(nowMs: number): void {
    const newest = this.list.newest();
    const endMs = (newest?.sinceMs ?? nowMs) + this.parameters.keylifeMs;
    const pauseMs = Math.max(RENEWAL_PAUSE_LEAST_MS, (endMs - nowMs) * RENEWAL_PAUSE_SHARE);
    this.rekeyDueMs = nowMs + this.ladder.jittered(pauseMs);
  }

  // Circumstances

  private waitAsServer(): Order[] {
    const isWaiting = this.state === "confirming" && this.switchMs < Infinity;
    this.nextStep = isWaiting ? { what: "data moves to the new epoch", atMs: this.switchMs } : undefined;
    return [];
  }

  private waitForWan(): Order[] {
    this.couldHelp = false;
    this.nextStep = { what: "wait for the WAN", atMs: undefined };
    return [];
  }

  /** Whether there is somebody to answer: what was to be done is decided anew when that changes. */
  private weigh(evidence: Evidence, nowMs: number): void {
    const canHelp = evidence.serverAnswers !== "no";
    if (canHelp === this.couldHelp) return;
    this.couldHelp = canHelp;
    this.step = undefined;
    if (canHelp) this.startAnew(evidence, nowMs);
  }

  /**
   * What stood in the way is gone: pings at once, then from the bottom of the ladder. Where there is nothing to ping, an
   * order that could not succeed is given again.
   */
  private startAnew(evidence: Evidence, nowMs: number): void {
    this.ladder.reset();
    if (this.awaited !== undefined && this.list.all.length === 0) {
      this.awaited = undefined;
      this.step = this.ladder.repeated(nowMs, evidence);
    } else if (this.awaited !== undefined) this.awaitAnew(this.awaited.action, nowMs);
    if (this.probe.dueMs === undefined) return;
    this.beginRow(nowMs);
    if (this.state !== "recovering") return;
    this.probe.shortenForReturn();
    this.state = this.list.newest()?.answeredMs === undefined ? "confirming" : "probing";
  }

  /** While this process stood still, nobody could be heard: what it waits for gets its time again, but not for ever. */
  private excuseAbsence(nowMs: number): void {
    const isLate = nowMs - (this.tickMs ?? nowMs) >= TICK_LATE_MS;
    const isExcused = isLate && !this.wasLate;
    this.tickMs = nowMs;
    this.wasLate = isLate;
    if (!isExcused) return;
    const { pingTimeMinMs, negotiationMs } = this.parameters;
    if (this.probe.dueMs !== undefined) this.probe.dueMs = nowMs + pingTimeMinMs;
    if (this.awaited !== undefined) this.awaitAnew(this.awaited.action, nowMs);
    if (this.graceEndsMs !== undefined) this.graceEndsMs = nowMs + negotiationMs;
  }

  private become(state: TunnelState, text: string): Order[] {
    if (state === this.state) return [];
    this.state = state;
    return [{ kind: "tell", state, text }];
  }
}

/** Orders and those that come after them; mostly there are none. */
function joined(orders: Order[], more: Order[]): Order[] {
  if (orders.length === 0) return more;
  return more.length === 0 ? orders : [...orders, ...more];
}
