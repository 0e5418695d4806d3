// SPDX-License-Identifier: GPL-2.0-only
// An ESP tracker with the clients and servers of the specs around it: packets go in, and who got them comes out.

import { type EspAlgorithm, EspTracker } from "../../../src/masquerade/esp";
import type { IkeKnowledge } from "../../../src/masquerade/esp-turns";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import type { Reason } from "../../../src/masquerade/reason";
import { Releases } from "../../../src/masquerade/releases";
import { Action, Verdict } from "../../../src/masquerade/verdict";
import { address } from "../frame";
import { auditEsp, must } from "./esp-audit";

export const ALICE = address("192.168.1.2");
export const BOB = address("192.168.1.3");
export const CAROL = address("192.168.1.4");
export const SERVER = address("198.51.100.1");
export const OTHER_SERVER = address("198.51.100.2");

const PACKET_BYTES = 100;
/** An epoch that is in use for minutes has counted on to something like this. */
const USED_PACKETS = 1000;

/** What IKE would know of one server's clients, said by hand. */
export class Negotiations implements IkeKnowledge {
  /** Clients that negotiated a child SA of which no packet has come in, the latest first. */
  recent: number[] = [];
  /** Clients that speak IKE with the server. */
  speakers: number[] = [];
  /** The time, which the site tells. */
  nowMs = 0;
  private readonly times = new LuaMap<number, number>();

  /** Clients and the server negotiate child SAs now. */
  negotiates(...clients: number[]): void {
    for (const client of clients) {
      this.recent = [client, ...this.recent.filter((other) => other !== client)];
      this.speakers = [client, ...this.speakers.filter((other) => other !== client)];
      this.times.set(client, this.nowMs);
    }
  }

  likelyOwners(server: number): number[] {
    if (server !== SERVER) return [];
    return this.recent.length > 0 ? this.recent : this.speakers;
  }

  negotiators(server: number): number[] {
    return server === SERVER ? this.recent : [];
  }

  epochLearned(client: number): void {
    this.recent = this.recent.filter((other) => other !== client);
  }

  negotiatedMs(client: number): number | undefined {
    return this.times.get(client);
  }
}

/** Longer than the standard, so that a story has room in a turn. */
export const TOUT_MS = 4000;

export class EspSite {
  readonly limits: Limits;
  readonly ike = new Negotiations();
  readonly releases = new Releases();
  readonly verdict: Verdict;
  readonly tracker: EspTracker;
  nowMs = 5000000;
  private readonly sequences = new LuaMap<number, number>();

  constructor(limits: Partial<Limits> = {}, algorithm: EspAlgorithm = "vpnmasq") {
    this.limits = { ...DEFAULT_LIMITS, espOutstandingMs: TOUT_MS, ...limits };
    this.verdict = new Verdict(this.limits.multicastClientsMax);
    this.ike.nowMs = this.nowMs;
    this.tracker = new EspTracker(this.limits, this.ike, this.releases, 77, algorithm);
  }

  /** A client's packet on an outgoing SPI; why it was decided as it was. */
  sends(client: number, spi: number, server = SERVER): Reason {
    this.tracker.outbound(client, server, spi, PACKET_BYTES, this.nowMs, this.verdict);
    auditEsp(this.tracker, this.limits);
    return this.verdict.reason;
  }

  /** The server's next packet on an incoming SPI. */
  answers(spi: number, server = SERVER): Reason {
    const sequence = (this.sequences.get(spi) ?? 0) + 1;
    this.sequences.set(spi, sequence);
    return this.numbered(spi, sequence, server);
  }

  /** The server has sent on this SPI for long: what comes next has a high number. */
  hasUsed(spi: number): void {
    this.sequences.set(spi, USED_PACKETS);
  }

  /** A packet of the server with this sequence number. */
  numbered(spi: number, sequence: number, server = SERVER): Reason {
    this.tracker.inbound(server, spi, sequence, PACKET_BYTES, this.nowMs, this.verdict);
    auditEsp(this.tracker, this.limits);
    return this.verdict.reason;
  }

  /** Who got the last packet from a server. */
  receivers(): number[] {
    const verdict = this.verdict;
    if (verdict.action === Action.Forward) return [verdict.client];
    if (verdict.action !== Action.Multicast) return [];
    const clients: number[] = [];
    for (const copy of $range(0, verdict.copies - 1)) clients.push(verdict.copyTo[copy]);
    return clients.sort((one, other) => one - other);
  }

  /** The key under which the last packet is held. */
  holdKey(): number {
    must(this.verdict.action === Action.Hold, this.verdict.reason);
    return this.verdict.holdKey;
  }

  /** Keys released since the last call. */
  released(): number[] {
    const keys = this.releases.released;
    this.releases.clear();
    return keys;
  }

  /** Lets time pass as in operation: the tracker looks ten times a second. */
  pass(milliseconds: number): void {
    const endMs = this.nowMs + milliseconds;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + 100);
      this.ike.nowMs = this.nowMs;
      this.tracker.expire(this.nowMs);
    }
    auditEsp(this.tracker, this.limits);
  }

  /** An epoch in the ordinary way: the client sends first, the server answers. */
  establish(client: number, outSpi: number, inSpi: number, server = SERVER): void {
    if (server === SERVER) this.ike.negotiates(client);
    must(this.sends(client, outSpi, server) === "esp-first", this.verdict.reason);
    must(this.answers(inSpi, server) === "esp-bound", this.verdict.reason);
    must(this.verdict.client === client, "the answer went to somebody else");
  }
}
