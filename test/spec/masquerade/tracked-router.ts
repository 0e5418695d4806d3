// SPDX-License-Identifier: GPL-2.0-only
// The IKE and ESP trackers as one router for the worlds of the specs: packets wait in a queue, bounded as the forwarding
// layer's, and are decided anew when they are released.

import { type EspAlgorithm, EspTracker } from "../../../src/masquerade/esp";
import { ESP_IN_KEY, ESP_OUT_KEY } from "../../../src/masquerade/esp-record";
import { IkeTracker } from "../../../src/masquerade/ike";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import type { Reason } from "../../../src/masquerade/reason";
import { Releases } from "../../../src/masquerade/releases";
import { Action, Verdict } from "../../../src/masquerade/verdict";
import type { Bytes } from "../../../src/wire/bytes";
import { IsakmpView } from "../../../src/wire/isakmp";
import { bufferOf, isakmp } from "../frame";
import { auditEsp } from "./esp-audit";

const PACKET_BYTES = 100;
/** Of the forwarding layer's hold queue: packets under one key, and how long they wait. */
const HELD_MAX = 50;
export const HELD_MS = 15000;
const SEED = 9;

/** A client's packet. */
interface ClientPacket<Content> {
  readonly client: number;
  readonly server: number;
  readonly spi: number;
  readonly content: Content;
  /** Called when it goes on to the server: at once, later, or never. */
  readonly leave: (this: void, content: Content) => void;
}

interface HeldPacket {
  readonly sinceMs: number;
  readonly packet: ClientPacket<unknown>;
}

/** What a message is of. */
export interface IkeExchange {
  readonly initiatorCookie: string;
  /** Zeros while the initiator does not know it. */
  readonly responderCookie: string;
  readonly exchangeType: number;
  readonly majorVersion: number;
}

/** A message as bytes: it may pass many times. */
export interface IkeMessage {
  readonly bytes: Bytes;
  readonly lengthBytes: number;
}

export function ikeMessage(exchange: IkeExchange): IkeMessage {
  const octets = isakmp(exchange);
  return { bytes: bufferOf(octets), lengthBytes: octets.length };
}

export class TrackedRouter {
  readonly ike: IkeTracker;
  readonly esp: EspTracker;
  nowMs = 0;
  /** How often a packet was decided for each reason. */
  readonly counts = new LuaMap<Reason, number>();
  readonly verdict: Verdict;
  private readonly releases = new Releases();
  private readonly view = new IsakmpView();
  private readonly held = new LuaMap<number, HeldPacket[]>();

  constructor(
    private readonly limits: Limits = DEFAULT_LIMITS,
    algorithm: EspAlgorithm = "vpnmasq",
    /** Packets held under one key. */
    private readonly heldMax = HELD_MAX,
  ) {
    this.verdict = new Verdict(limits.multicastClientsMax);
    this.ike = new IkeTracker(limits, this.releases);
    this.esp = new EspTracker(limits, this.ike, this.releases, SEED, algorithm);
  }

  count(reason: Reason): number {
    return this.counts.get(reason) ?? 0;
  }

  send<Content>(packet: ClientPacket<Content>): void {
    const { verdict } = this;
    this.esp.outbound(packet.client, packet.server, packet.spi, PACKET_BYTES, this.nowMs, verdict);
    this.note();
    if (verdict.action === Action.Forward) packet.leave(packet.content);
    if (verdict.action === Action.Hold) this.hold(verdict.holdKey, packet as ClientPacket<unknown>);
    this.performReleases();
  }

  /** A server's packet. @returns the clients that get it */
  receive(server: number, spi: number, sequence: number): number[] {
    const { verdict } = this;
    this.esp.inbound(server, spi, sequence, PACKET_BYTES, this.nowMs, verdict);
    this.note();
    const receivers: number[] = [];
    if (verdict.action === Action.Forward) receivers.push(verdict.client);
    if (verdict.action === Action.Multicast) {
      for (const copy of $range(0, verdict.copies - 1)) receivers.push(verdict.copyTo[copy]);
    }
    this.performReleases();
    return receivers;
  }

  ikeFromClient(client: number, server: number, message: IkeMessage): void {
    this.view.attach(message.bytes, 0, message.lengthBytes, false);
    this.ike.outbound(client, 500, server, this.view, this.nowMs, this.verdict);
  }

  ikeFromServer(server: number, message: IkeMessage): void {
    this.view.attach(message.bytes, 0, message.lengthBytes, false);
    this.ike.inbound(server, this.view, this.nowMs, this.verdict);
  }

  /** Ends waits, as in operation ten times a second. */
  tick(): void {
    this.esp.expire(this.nowMs);
    this.ike.expire(this.nowMs);
    this.performReleases();
    for (const [key, packets] of this.held) {
      if (this.nowMs - packets[0].sinceMs >= HELD_MS) this.held.delete(key);
    }
  }

  audit(): void {
    auditEsp(this.esp, this.limits);
  }

  /** Packets that wait under a hold key. */
  heldUnder(key: number): number {
    return this.held.get(key)?.length ?? 0;
  }

  /** Since when the first of them waits. */
  heldSinceMs(key: number): number | undefined {
    return this.held.get(key)?.[0].sinceMs;
  }

  /** Of a router what no decision asks: what never changes, what is empty between two packets, and what only counts. */
  passing(): object[] {
    const { limits, verdict, releases, view, counts } = this;
    return [limits, verdict, releases, view, counts, this.esp.records.bytes, ESP_OUT_KEY, ESP_IN_KEY];
  }

  private note(): void {
    const { reason } = this.verdict;
    this.counts.set(reason, this.count(reason) + 1);
  }

  private hold(key: number, packet: ClientPacket<unknown>): void {
    const packets = this.held.get(key) ?? [];
    if (packets.length >= this.heldMax) return;
    packets.push({ sinceMs: this.nowMs, packet });
    this.held.set(key, packets);
  }

  private performReleases(): void {
    if (this.releases.isEmpty()) return;
    const { released, discarded } = this.releases;
    this.releases.clear();
    this.esp.learned = [];
    this.esp.forgotten = [];
    for (const key of discarded) this.held.delete(key);
    for (const key of released) {
      const packets = this.held.get(key) ?? [];
      this.held.delete(key);
      for (const { packet } of packets) this.send(packet);
    }
  }
}
