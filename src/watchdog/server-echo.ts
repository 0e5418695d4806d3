// SPDX-License-Identifier: GPL-2.0-only
// Whether a server's own address answers, outside of the tunnels to it: asked by echo requests while a tunnel is not
// proved to work.
//
// Many servers answer no echo at all, so silence proves something only of one that answered before. Nobody is asked while
// all is well; that a new epoch is asked about too makes known, before there is any outage, who answers.

import type { EchoReply } from "../system/echo-socket";
import type { Outcome } from "../system/outcome";

/** What echo requests leave by; open only while somebody is asked. */
export interface EchoWay {
  request(target: number, identifier: number, sequence: number): Outcome<true>;
  close(): void;
}

/** Twice the longest round trip that RFC 6298 §2 starts from is too long to wait, half of it too short for satellites. */
const SHORTEST_WAIT_MS = 1000;
/** A server may be away for hours: its return is noticed within an eighth of that time, and within this. */
const WAIT_SHARE = 1 / 8;
const LONGEST_WAIT_MS = 16_000;
/** Requests in a row without a reply: at 5 % loss each way one such row in a thousand is chance. */
const SILENT_REQUESTS = 3;
/** Servers that are remembered: more than one board has tunnels to. */
const SERVERS_MAX = 256;

interface Server {
  /** It has replied at any time. */
  hasAnswered: boolean;
  /** Since asking began; undefined: neither a reply nor enough silence yet. */
  isThere: boolean | undefined;
  /** Since when that is so. */
  sinceMs: number;
  unanswered: number;
  dueMs: number;
  isAsked: boolean;
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

  /** Asks what is due. @param addresses those of servers to which a tunnel is not proved to work (words) */
  tick(addresses: readonly number[], nowMs: number): void {
    for (const [, server] of this.servers) server.isAsked = false;
    for (const address of addresses) this.wanted(address, nowMs);
    for (const [address, server] of this.servers) {
      if (server.isAsked && nowMs >= server.dueMs) this.ask(address, server, nowMs);
      else if (!server.isAsked) rest(server);
    }
    if (addresses.length === 0) this.close();
  }

  heard({ from, identifier }: EchoReply, nowMs: number): void {
    const server = this.servers.get(from);
    if (server === undefined || identifier !== this.identifier) return;
    server.hasAnswered = true;
    server.unanswered = 0;
    conclude(server, true, nowMs);
  }

  /** False only of a server that answered before and no longer does; undefined when nothing is known. */
  doesAnswer(address: number): boolean | undefined {
    return this.servers.get(address)?.isThere;
  }

  close(): void {
    this.way?.close();
    this.way = undefined;
  }

  private wanted(address: number, nowMs: number): void {
    const known = this.servers.get(address);
    if (known !== undefined && known.isAsked) return;
    if (known === undefined && this.count >= SERVERS_MAX) return;
    if (known === undefined) this.count += 1;
    const server = known ?? newServer(nowMs);
    server.isAsked = true;
    if (server.dueMs === Infinity) {
      server.sinceMs = nowMs;
      server.dueMs = nowMs;
    }
    this.servers.set(address, server);
  }

  private ask(address: number, server: Server, nowMs: number): void {
    if (server.unanswered >= SILENT_REQUESTS && server.hasAnswered) conclude(server, false, nowMs);
    // What is certain is asked about more and more seldom; where a reply is missing, certainty is wanted soon.
    const isCertain = server.unanswered === 0 || server.unanswered >= SILENT_REQUESTS;
    const waitMs = isCertain ? (nowMs - server.sinceMs) * WAIT_SHARE : 0;
    server.dueMs = nowMs + Math.max(SHORTEST_WAIT_MS, Math.min(LONGEST_WAIT_MS, waitMs));
    // What could not be sent proves nothing of the server.
    if (this.send(address)) server.unanswered += 1;
  }

  private send(address: number): boolean {
    if (this.way === undefined) [this.way, this.problem] = this.open();
    if (this.way === undefined) return false;
    this.sequence = (this.sequence + 1) & 0xffff;
    [, this.problem] = this.way.request(address, this.identifier, this.sequence);
    return this.problem === undefined;
  }
}

function newServer(nowMs: number): Server {
  return { hasAnswered: false, isThere: undefined, sinceMs: nowMs, unanswered: 0, dueMs: nowMs, isAsked: true };
}

function conclude(server: Server, isThere: boolean, nowMs: number): void {
  if (server.isThere === isThere) return;
  server.isThere = isThere;
  server.sinceMs = nowMs;
}

/** Nothing is asked: what was found out is of yesterday. */
function rest(server: Server): void {
  server.isThere = undefined;
  server.unanswered = 0;
  server.dueMs = Infinity;
}
