// SPDX-License-Identifier: GPL-2.0-only
// Whether a server's own address answers, outside of the tunnels to it: asked by echo requests while a tunnel is not
// proved to work.
//
// Many servers answer no echo at all, so silence proves something only of one that answered before. So each is asked
// once while its tunnel works, or nothing would be known of it in its first outage. Beyond that nobody is asked while all
// is well.

import type { ServerAnswers } from "../epoch/ladder";
import type { EchoReply } from "../system/echo-socket";
import type { Outcome } from "../system/outcome";

/** What echo requests leave by; open only while somebody is asked. */
export interface EchoWay {
  request(target: number, identifier: number, sequence: number): Outcome<true>;
  close(): void;
}

/** Twice the longest round trip that RFC 6298 §2 starts from is too long to wait, half of it too short for satellites. */
const SHORTEST_WAIT_MS = 1000;
/** One that answers is asked more and more seldom: a tunnel may be in doubt for hours. */
const WAIT_SHARE = 1 / 8;
/** One that is away may be so for hours: its return is noticed within this share of that time, and at first within that. */
const AWAY_WAIT_SHARE = 1 / 32;
const AWAY_SHORTEST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 16_000;
/** Requests in a row without a reply: at 5 % loss each way one such row in a thousand is chance. */
const SILENT_REQUESTS = 3;
/** Servers that are remembered: more than one board has tunnels to. */
const SERVERS_MAX = 256;

/** Why a server is asked: a tunnel to it is in doubt, or it was never heard of while one works. */
type Reason = "doubt" | "acquaintance";

interface Server {
  /** It has replied at any time. */
  hasAnswered: boolean;
  /** It has not, while a tunnel to it worked: it is one of those that never do. */
  isMute: boolean;
  /** Since asking began; undefined: neither a reply nor enough silence yet. */
  isThere: boolean | undefined;
  /** Since when that is so. */
  sinceMs: number;
  unanswered: number;
  dueMs: number;
  reason: Reason | undefined;
}

export class ServerEcho {
  /** By address (a word). */
  private readonly servers = new LuaMap<number, Server>();
  private count = 0;
  private way: EchoWay | undefined;
  private sequence = 0;
  /** Why the last request could not be sent; undefined when it could. */
  problem: string | undefined;

  /**
   * @param open gives a way for requests; replies are to be told by {@link heard}
   * @param identifier 16 bits that tell our requests from those of others
   */
  constructor(
    private readonly open: (this: void) => Outcome<EchoWay>,
    private readonly identifier: number,
  ) {}

  /**
   * Asks what is due.
   * @param doubtful servers to which a tunnel is not proved to work (words)
   * @param working servers to which one works; they may be among the doubtful, too
   */
  tick(doubtful: readonly number[], working: readonly number[], nowMs: number): void {
    const reasons = new LuaMap<number, Reason>();
    for (const address of working) if (this.isStranger(address, nowMs)) reasons.set(address, "acquaintance");
    for (const address of doubtful) if (this.serverAt(address, nowMs) !== undefined) reasons.set(address, "doubt");
    let isAnyAsked = false;
    for (const [address, server] of this.servers) {
      const reason = reasons.get(address);
      if (reason !== server.reason) begin(server, reason, nowMs);
      if (nowMs >= server.dueMs) this.ask(address, server, nowMs);
      isAnyAsked = isAnyAsked || reason !== undefined;
    }
    if (!isAnyAsked) this.close();
  }

  heard({ from, identifier }: EchoReply, nowMs: number): void {
    const server = this.servers.get(from);
    if (server === undefined || identifier !== this.identifier) return;
    server.hasAnswered = true;
    server.unanswered = 0;
    conclude(server, true, nowMs);
  }

  answers(address: number): ServerAnswers {
    const server = this.servers.get(address);
    if (server?.isThere !== undefined) return server.isThere ? "yes" : "no";
    return server !== undefined && server.hasAnswered && server.unanswered > 0 ? "asked" : "unknown";
  }

  close(): void {
    this.way?.close();
    this.way = undefined;
  }

  /** Undefined: there are too many. */
  private serverAt(address: number, nowMs: number): Server | undefined {
    const known = this.servers.get(address);
    if (known !== undefined || this.count >= SERVERS_MAX) return known;
    this.count += 1;
    const server = newServer(nowMs);
    this.servers.set(address, server);
    return server;
  }

  private isStranger(address: number, nowMs: number): boolean {
    const server = this.serverAt(address, nowMs);
    return server !== undefined && !server.hasAnswered && !server.isMute;
  }

  private ask(address: number, server: Server, nowMs: number): void {
    if (server.unanswered >= SILENT_REQUESTS) {
      if (server.hasAnswered) conclude(server, false, nowMs);
      else if (server.reason === "acquaintance") {
        server.isMute = true;
        return;
      }
    }
    server.dueMs = nowMs + waitMs(server, nowMs - server.sinceMs);
    // What could not be sent proves nothing of the server, and nobody waits for an answer to it.
    server.unanswered = this.send(address) ? server.unanswered + 1 : 0;
  }

  private send(address: number): boolean {
    if (this.way === undefined) [this.way, this.problem] = this.open();
    if (this.way === undefined) return false;
    this.sequence = (this.sequence + 1) & 0xffff;
    [, this.problem] = this.way.request(address, this.identifier, this.sequence);
    return this.problem === undefined;
  }
}

/** What is certain is asked about more and more seldom; where a reply is missing, certainty is wanted soon. */
function waitMs({ isThere, unanswered }: Server, certainForMs: number): number {
  if (isThere === false) return within(AWAY_SHORTEST_WAIT_MS, certainForMs * AWAY_WAIT_SHARE);
  const isCertain = unanswered === 0 || unanswered >= SILENT_REQUESTS;
  return within(SHORTEST_WAIT_MS, isCertain ? certainForMs * WAIT_SHARE : 0);
}

function within(shortestMs: number, lengthMs: number): number {
  return Math.max(shortestMs, Math.min(LONGEST_WAIT_MS, lengthMs));
}

function newServer(nowMs: number): Server {
  return {
    hasAnswered: false,
    isMute: false,
    isThere: undefined,
    sinceMs: nowMs,
    unanswered: 0,
    dueMs: Infinity,
    reason: undefined,
  };
}

function conclude(server: Server, isThere: boolean, nowMs: number): void {
  if (server.isThere === isThere) return;
  server.isThere = isThere;
  server.sinceMs = nowMs;
}

/** What was found out is of yesterday. @param reason to ask from now on; undefined: there is none */
function begin(server: Server, reason: Reason | undefined, nowMs: number): void {
  server.reason = reason;
  server.isThere = undefined;
  server.unanswered = 0;
  server.sinceMs = nowMs;
  server.dueMs = reason === undefined ? Infinity : nowMs;
}
