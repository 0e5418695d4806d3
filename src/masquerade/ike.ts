// SPDX-License-Identifier: GPL-2.0-only
// The IKE tracker: which client a pair of cookies belongs to.
//
// Both ends of IKE insist on UDP port 500, so ports cannot tell sessions apart; the header's two cookies can (RFC 2408
// §3.1; the SPIs of RFC 7296 §3.1). A session is outstanding while the responder's cookie is unknown and established
// when both are. IKE is a few packets an hour and a session, so sessions are plain objects.
//
// The state that an attacker could fill the table with is only ever made by packets from the LAN, within a client's
// share: a packet from the WAN with cookies that nobody is known to own goes to those who may own it, and the answer
// that the owner sends makes the session.

import type { IsakmpView } from "../wire/isakmp";
import type { IkeKnowledge } from "./esp-turns";
import type { Limits } from "./limits";
import { Quota } from "./quota";
import { RateLimit } from "./rate-limit";
import { IKE_HOLD_BASE, type Releases } from "./releases";
import type { Verdict } from "./verdict";

export type IkePhase = "waiting" | "outstanding" | "established";

/** One IKE session (IKE SA, or the exchange that makes one) of a client with a server. */
export interface IkeSession {
  /** Numbers sessions, for hold keys. */
  readonly number: number;
  client: number;
  readonly server: number;
  /** The client's UDP source port, 500 as a rule; never changed on the way. */
  clientPort: number;
  /** The cookies as pairs of words; the responder's is zero while it is unknown. */
  readonly initiatorHigh: number;
  readonly initiatorLow: number;
  responderHigh: number;
  responderLow: number;
  phase: IkePhase;
  /** 1 or 2. */
  version: number;
  readonly createdMs: number;
  lastOutMs: number;
  lastInMs: number;
  /** The last message that may have made a child SA; undefined: none was seen. */
  negotiatedMs: number | undefined;
  /** Child SAs negotiated up to this time are known to the ESP tracker. */
  accountedMs: number;
  packetsOut: number;
  packetsIn: number;
  /** How we came to know it, for people. */
  origin: string;
  /** From a snapshot, and no packet has confirmed it yet. */
  restored: boolean;
  /** No message passes before this time: the client is to notice that its tunnel is dead. 0: all pass. */
  stoppedUntilMs: number;
}

/** Sessions change slowly: looking at all of them once a second is enough. */
const SWEEP_MS = 1000;

export class IkeTracker implements IkeKnowledge {
  /** Sessions whose cookies or client became known since the caller last emptied this list: for the journal. */
  learned: IkeSession[] = [];
  /** Established sessions that were forgotten since the caller last emptied this list: for the journal. */
  forgotten: IkeSession[] = [];

  private readonly byInitiatorLow = new LuaMap<number, IkeSession[]>();
  private readonly byServer = new LuaMap<number, IkeSession[]>();
  private readonly quota: Quota;
  private nextNumber = 0;
  private readonly unknownRate: RateLimit;
  private sweptMs = 0;

  constructor(
    private readonly limits: Limits,
    private readonly releases: Releases,
  ) {
    this.unknownRate = new RateLimit(limits.unknownSpiPerSecondMax);
    this.quota = new Quota(limits.ikeItemsMax, limits.ikeItemsPerClientMax);
  }

  count(): number {
    return this.quota.inUse();
  }

  /**
   * A message from a client.
   * @param client, server addresses (words)
   * @param clientPort its UDP source port
   */
  outbound(
    client: number,
    clientPort: number,
    server: number,
    message: IsakmpView,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const session = message.hasResponderCookie()
      ? this.sessionWithBothCookies(client, clientPort, server, message, nowMs, verdict)
      : this.sessionOfFirstMessage(client, clientPort, server, message, nowMs, verdict);
    if (session === undefined) return;
    session.clientPort = clientPort;
    session.lastOutMs = nowMs;
    session.packetsOut += 1;
    session.version = message.majorVersion();
    session.restored = false;
    if (session.stoppedUntilMs > nowMs) verdict.drop("ike-stopped");
    else if (message.mayCreateChildSa()) this.noteNegotiation(session, nowMs);
  }

  /** A message from a server. */
  inbound(server: number, message: IsakmpView, nowMs: number, verdict: Verdict): void {
    const session = this.sessionOfAnswer(server, message);
    if (session === undefined) {
      this.inboundUnknown(server, nowMs, verdict);
      return;
    }
    if (session.stoppedUntilMs > nowMs) {
      verdict.drop("ike-stopped");
      return;
    }
    const first = session.phase === "outstanding" && message.hasResponderCookie();
    session.lastInMs = nowMs;
    session.packetsIn += 1;
    session.restored = false;
    if (message.mayCreateChildSa()) this.noteNegotiation(session, nowMs);
    if (first) this.establish(session, message);
    const unbound = session.phase === "outstanding";
    verdict.deliver(session.client, first ? "ike-bound" : unbound ? "ike-unbound-answer" : "ike-established");
    verdict.port = session.clientPort;
  }

  likelyOwners(server: number, nowMs: number): number[] {
    const negotiators = this.negotiators(server, nowMs);
    if (negotiators.length > 0) return negotiators;
    return this.clientsBy(server, nowMs - this.limits.ikeRecentMs, (session) =>
      session.phase === "established" ? Math.max(session.lastOutMs, session.lastInMs) : undefined,
    );
  }

  negotiators(server: number, nowMs: number): number[] {
    return this.clientsBy(server, nowMs - this.limits.negotiationMs, (session) => {
      const { negotiatedMs, accountedMs } = session;
      return negotiatedMs !== undefined && negotiatedMs > accountedMs ? negotiatedMs : undefined;
    });
  }

  epochLearned(client: number, server: number, nowMs: number): void {
    for (const session of this.byServer.get(server) ?? []) {
      if (session.client === client) session.accountedMs = nowMs;
    }
  }

  negotiatedMs(client: number, server: number): number | undefined {
    let lastMs: number | undefined;
    for (const session of this.byServer.get(server) ?? []) {
      const isTheirs = session.client === client && session.negotiatedMs !== undefined;
      if (isTheirs) lastMs = Math.max(session.negotiatedMs ?? 0, lastMs ?? 0);
    }
    return lastMs;
  }

  /** The session of an embedded message in an ICMP error: by cookies, from the WAN's or the LAN's point of view. */
  find(
    server: number,
    initiatorHigh: number,
    initiatorLow: number,
    responderHigh: number,
    responderLow: number,
  ): IkeSession | undefined {
    const candidates = this.candidates(server, initiatorHigh, initiatorLow);
    const exact = candidates.find((session) => hasResponder(session, responderHigh, responderLow));
    return exact ?? candidates.find((session) => session.phase === "outstanding");
  }

  /** Clients with a session at this server: for ICMP errors that show no cookies. */
  clientsOf(server: number): number[] {
    return this.clientsBy(server, -Infinity, (session) => session.lastOutMs);
  }

  /**
   * Lets no message of the sessions that a client has with a server now pass until `untilMs`; 0 lets them pass again.
   * Sessions that the client starts later are not touched.
   */
  stop(client: number, server: number, untilMs: number): void {
    for (const session of this.byServer.get(server) ?? []) {
      if (session.client === client) session.stoppedUntilMs = untilMs;
    }
  }

  /** Forgets sessions that are idle or were never answered; cheap to call often. */
  expire(nowMs: number): void {
    if (nowMs - this.sweptMs < SWEEP_MS) return;
    this.sweptMs = nowMs;
    this.sweep(nowMs);
  }

  private sweep(nowMs: number): void {
    this.forEach((session) => {
      if (this.isOver(session, nowMs)) this.forget(session);
    });
  }

  /** Visits every session; the visitor may forget the one it is shown. */
  forEach(visit: (session: IkeSession) => void): void {
    for (const [, sessions] of this.byServer) {
      for (const session of [...sessions]) visit(session);
    }
  }

  /** Puts back a session that a snapshot remembered; false when there is no room for it or it is there already. */
  restore(remembered: Omit<IkeSession, "number" | "accountedMs" | "restored" | "stoppedUntilMs">): boolean {
    const known = this.find(
      remembered.server,
      remembered.initiatorHigh,
      remembered.initiatorLow,
      remembered.responderHigh,
      remembered.responderLow,
    );
    if (known !== undefined || this.quota.isFull() || this.quota.isClientFull(remembered.client)) return false;
    this.insert({
      ...remembered,
      number: this.takeNumber(),
      accountedMs: -Infinity,
      restored: true,
      stoppedUntilMs: 0,
    });
    return true;
  }

  forget(session: IkeSession): void {
    this.quota.remove(session.client);
    removeFrom(this.byInitiatorLow, session.initiatorLow, session);
    removeFrom(this.byServer, session.server, session);
    if (session.phase === "waiting") this.releases.discard(IKE_HOLD_BASE + session.number);
    if (session.phase === "outstanding") this.passTurn(session);
    if (session.phase === "established") this.forgotten.push(session);
  }

  // From the LAN

  /** The first message of a session, or its retransmission: the responder's cookie is not known to the client yet. */
  private sessionOfFirstMessage(
    client: number,
    clientPort: number,
    server: number,
    message: IsakmpView,
    nowMs: number,
    verdict: Verdict,
  ): IkeSession | undefined {
    const rivals = this.candidates(server, message.initiatorCookieHigh(), message.initiatorCookieLow());
    const own = rivals.find((session) => session.client === client);
    if (own !== undefined) {
      if (own.phase === "waiting") verdict.hold(IKE_HOLD_BASE + own.number, "ike-waiting");
      else verdict.forward(own.phase === "outstanding" ? "ike-outstanding" : "ike-established");
      return own;
    }
    const taken = rivals.some((session) => session.phase === "outstanding");
    const session = this.open(client, clientPort, server, message, taken ? "waiting" : "outstanding", nowMs, verdict);
    if (session === undefined) return undefined;
    if (taken) verdict.hold(IKE_HOLD_BASE + session.number, "ike-waiting");
    else verdict.forward("ike-first");
    return session;
  }

  /**
   * A message with both cookies: of a known session, or of one that we have not seen begin. Its sender vouches for it:
   * it answers a server that started the session, rekeyed the IKE SA, or was there before us.
   */
  private sessionWithBothCookies(
    client: number,
    clientPort: number,
    server: number,
    message: IsakmpView,
    nowMs: number,
    verdict: Verdict,
  ): IkeSession | undefined {
    const candidates = this.candidates(server, message.initiatorCookieHigh(), message.initiatorCookieLow());
    const exact = candidates.find((session) => belongsTo(session, message));
    if (exact !== undefined) return this.sendOnKnown(exact, client, nowMs, verdict);
    const own = candidates.find((session) => session.client === client && session.phase === "outstanding");
    if (own !== undefined) {
      this.establish(own, message);
      verdict.forward("ike-established");
      return own;
    }
    const joined = this.open(client, clientPort, server, message, "established", nowMs, verdict);
    if (joined !== undefined) verdict.forward("ike-joined");
    return joined;
  }

  private sendOnKnown(session: IkeSession, client: number, nowMs: number, verdict: Verdict): IkeSession | undefined {
    if (session.client === client) {
      verdict.forward("ike-established");
      return session;
    }
    if (nowMs - session.lastOutMs < this.limits.ikeMoveQuietMs) {
      verdict.drop("ike-not-owner");
      return undefined;
    }
    if (this.quota.isClientFull(client)) {
      verdict.drop("ike-client-limit");
      return undefined;
    }
    this.quota.remove(session.client);
    this.quota.add(client);
    session.client = client;
    session.origin = "moved from another address";
    this.learned.push(session);
    verdict.forward("ike-moved");
    return session;
  }

  private open(
    client: number,
    clientPort: number,
    server: number,
    message: IsakmpView,
    phase: IkePhase,
    nowMs: number,
    verdict: Verdict,
  ): IkeSession | undefined {
    if (!this.hasRoomFor(client, nowMs)) {
      verdict.drop("ike-client-limit");
      return undefined;
    }
    if (this.quota.isFull() && !this.evictFor(client)) {
      verdict.drop("ike-table-full");
      return undefined;
    }
    const session: IkeSession = {
      number: this.takeNumber(),
      client,
      server,
      clientPort,
      initiatorHigh: message.initiatorCookieHigh(),
      initiatorLow: message.initiatorCookieLow(),
      responderHigh: message.responderCookieHigh(),
      responderLow: message.responderCookieLow(),
      phase,
      version: message.majorVersion(),
      createdMs: nowMs,
      lastOutMs: nowMs,
      lastInMs: nowMs,
      negotiatedMs: undefined,
      accountedMs: -Infinity,
      packetsOut: 0,
      packetsIn: 0,
      origin: phase === "established" ? "joined in mid-course" : "started by the client",
      restored: false,
      stoppedUntilMs: 0,
    };
    this.insert(session);
    if (phase === "established") this.learned.push(session);
    return session;
  }

  // From the WAN

  private sessionOfAnswer(server: number, message: IsakmpView): IkeSession | undefined {
    const candidates = this.candidates(server, message.initiatorCookieHigh(), message.initiatorCookieLow());
    const exact = candidates.find((session) => session.phase === "established" && belongsTo(session, message));
    return exact ?? candidates.find((session) => session.phase === "outstanding");
  }

  /** Nobody is known to own these cookies: a session that the server starts, or an IKE SA that it rekeyed. */
  private inboundUnknown(server: number, nowMs: number, verdict: Verdict): void {
    if (!this.unknownRate.admit(nowMs)) {
      verdict.drop("ike-unknown-rate");
      return;
    }
    const owners = this.likelyOwners(server, nowMs);
    if (owners.length === 0) {
      verdict.drop("ike-unknown-cookies");
    } else if (owners.length === 1) {
      verdict.deliver(owners[0], "ike-server-first");
    } else {
      verdict.multicast("ike-shared");
      for (const client of owners.slice(0, this.limits.multicastClientsMax)) verdict.addCopy(client);
    }
  }

  /** The first one is worth remembering: it tells an epoch that we saw made from one older than our memory. */
  private noteNegotiation(session: IkeSession, nowMs: number): void {
    const isNews = session.negotiatedMs === undefined && session.phase === "established";
    session.negotiatedMs = nowMs;
    if (isNews) this.learned.push(session);
  }

  private establish(session: IkeSession, message: IsakmpView): void {
    session.responderHigh = message.responderCookieHigh();
    session.responderLow = message.responderCookieLow();
    session.phase = "established";
    this.learned.push(session);
    this.passTurn(session);
  }

  /** The next session with the same server and initiator cookie may go: the responder's cookie now tells them apart. */
  private passTurn(done: IkeSession): void {
    const rivals = this.candidates(done.server, done.initiatorHigh, done.initiatorLow);
    const next = rivals.find((session) => session.phase === "waiting");
    if (next === undefined) return;
    next.phase = "outstanding";
    this.releases.release(IKE_HOLD_BASE + next.number);
  }

  // Sessions

  private candidates(server: number, initiatorHigh: number, initiatorLow: number): IkeSession[] {
    const sessions = this.byInitiatorLow.get(initiatorLow) ?? [];
    return sessions.filter((session) => session.server === server && session.initiatorHigh === initiatorHigh);
  }

  /** Clients of a server by the time that `when` gives for their sessions, the latest first, none before `sinceMs`. */
  private clientsBy(server: number, sinceMs: number, when: (session: IkeSession) => number | undefined): number[] {
    const latest = new LuaMap<number, number>();
    const clients: number[] = [];
    for (const session of this.byServer.get(server) ?? []) {
      const atMs = when(session);
      if (atMs !== undefined && atMs >= sinceMs) {
        const before = latest.get(session.client);
        if (before === undefined) clients.push(session.client);
        latest.set(session.client, Math.max(atMs, before ?? atMs));
      }
    }
    return clients.sort((one, other) => (latest.get(other) ?? 0) - (latest.get(one) ?? 0));
  }

  private isOver(session: IkeSession, nowMs: number): boolean {
    if (session.phase === "waiting") return nowMs - session.createdMs >= this.limits.ikeWaitingMs;
    if (session.phase === "outstanding") return nowMs - session.lastOutMs >= this.limits.ikeOutstandingMs;
    return nowMs - Math.max(session.lastOutMs, session.lastInMs) >= this.limits.ikeIdleMs;
  }

  /** Makes room for a client below its share: the longest idle session of a client above its own goes. */
  private evictFor(client: number): boolean {
    return this.forgetLongestSilent((session) => this.quota.givesWay(session.client, client));
  }

  /**
   * Whether a client may have another session. One that has its share gives up its own longest silent: a daemon that
   * started again and again left them behind, and a day would pass until they are over.
   */
  private hasRoomFor(client: number, nowMs: number): boolean {
    if (!this.quota.isClientFull(client)) return true;
    const silentSinceMs = nowMs - this.limits.ikeRecentMs;
    return this.forgetLongestSilent((session) => session.client === client && session.lastOutMs <= silentSinceMs);
  }

  private forgetLongestSilent(mayGo: (this: void, session: IkeSession) => boolean): boolean {
    let victim: IkeSession | undefined;
    this.forEach((session) => {
      if (mayGo(session) && (victim === undefined || session.lastOutMs < victim.lastOutMs)) victim = session;
    });
    if (victim === undefined) return false;
    this.forget(victim);
    return true;
  }

  private insert(session: IkeSession): void {
    this.quota.add(session.client);
    addTo(this.byInitiatorLow, session.initiatorLow, session);
    addTo(this.byServer, session.server, session);
  }

  private takeNumber(): number {
    this.nextNumber = (this.nextNumber + 1) & 0xffffff;
    return this.nextNumber;
  }
}

function hasResponder(session: IkeSession, high: number, low: number): boolean {
  return session.responderHigh === high && session.responderLow === low;
}

function belongsTo(session: IkeSession, message: IsakmpView): boolean {
  return hasResponder(session, message.responderCookieHigh(), message.responderCookieLow());
}

function addTo(lists: LuaMap<number, IkeSession[]>, key: number, session: IkeSession): void {
  const sessions = lists.get(key);
  if (sessions === undefined) lists.set(key, [session]);
  else sessions.push(session);
}

function removeFrom(lists: LuaMap<number, IkeSession[]>, key: number, session: IkeSession): void {
  const rest = (lists.get(key) ?? []).filter((other) => other !== session);
  if (rest.length > 0) lists.set(key, rest);
  else lists.delete(key);
}
