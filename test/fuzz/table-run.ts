// SPDX-License-Identifier: GPL-2.0-only
// A table that lives through a script of packets and events, with the queue of what it holds. After each step the
// verdict is well formed and what leaves has right checksums.

import { clearNews } from "../../src/masquerade/journal-lines";
import { DEFAULT_LIMITS, type Limits } from "../../src/masquerade/limits";
import { type Reason, REASONS } from "../../src/masquerade/reason";
import { NO_ADDRESS, Table } from "../../src/masquerade/table";
import { Action } from "../../src/masquerade/verdict";
import { byteArray, type BytePtr, copyBytes, create, stringOf } from "../../src/system/ffi";
import { writeWord } from "../../src/wire/bytes";
import { modulo } from "../../src/wire/word";
import { address, octetsOf, wrongChecksums } from "../spec/frame";
import { inherit } from "../spec/masquerade/inheritance";
import { repairPacket } from "../spec/wire/repair";
import { INPUT_BYTES_MAX } from "./input";
import { auditTable } from "./table-audit";
import { clientText, packetOf, serverText, Step, WAN, WAN_ADDRESSES } from "./table-script";
import { demand, type Reached } from "./target";

/** Small, so that a short script passes them. */
const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  espItemsMax: 14,
  espItemsPerClientMax: 6,
  espServerFirstPerServerMax: 6,
  multicastClientsMax: 3,
  unknownSpiPerSecondMax: 12,
  waitingPerServerMax: 5,
  ikeItemsMax: 10,
  ikeItemsPerClientMax: 4,
  fragmentDatagramsMax: 6,
  fragmentsHeldPerDatagramMax: 3,
  icmpErrorsPerSecondMax: 8,
  flowsMax: 16,
  flowsPerClientMax: 7,
  icmpQueriesMax: 8,
  icmpQueriesPerClientMax: 3,
};
const WAITS_MS: readonly number[] = [1, 40, 110, 400, 1100, 6000, 31000, 61000, 301000, 3700000];
const TICK_MS = 100;
/** Of one wait; then the clock jumps the rest. */
const TICKS_MAX = 12;
const START_MS = 4_000_000;
/** As the forwarding layer's queue: packets under one key. */
const HELD_MAX = 4;
const STOP_MS = 5000;
const SEQUENCE_AT = 24;
const CLIENTS = [{ network: address("192.168.1.0"), lengthBits: 24 }];

const CLIENT_ADDRESSES: readonly number[] = [0, 1, 2, 3].map((number) => address(clientText(number)));
/** Steps whose packets come from the LAN. */
const OUTBOUND: readonly Step[] = [Step.EspOut, Step.IkeOut, Step.FlowOut, Step.FragmentOut, Step.ErrorOut];

interface Held {
  readonly isOutbound: boolean;
  readonly packet: string;
}

/** More than there are. */
const REASONS_MAX = 256;
const numbers = new LuaMap<Reason, number>();
let nextNumber = 0;
/** Which reason came after which: to get there is what inputs are kept for. */
const seen = new LuaSet<number>();

function numberOf(reason: Reason): number {
  const known = numbers.get(reason);
  if (known !== undefined) return known;
  nextNumber += 1;
  numbers.set(reason, nextNumber);
  return nextNumber;
}

export class TableRun {
  private nowMs = START_MS;
  private table: Table;
  private held = new LuaMap<number, Held[]>();
  private readonly frame: BytePtr = create(byteArray, INPUT_BYTES_MAX);
  private readonly sequences = new LuaMap<number, number>();
  private wan = WAN;
  private damageAt = 0;
  private damage = 0;
  private last = 0;
  /** Every eighth packet that leaves is added up: it takes as long as the eight. */
  private forwarded = 0;

  constructor(
    private readonly reached: Reached,
    private readonly scope: "vpn" | "all",
  ) {
    this.table = this.newTable();
  }

  take(step: Step, a: number, b: number, c: number): void {
    if (step === Step.Wait) this.wait(WAITS_MS[modulo(b, WAITS_MS.length)]);
    else if (step === Step.Damage) [this.damageAt, this.damage] = [a, b];
    else if (step === Step.ChangeWan) this.changeWan(a);
    else if (step === Step.StopIke) this.stopIke(a, c);
    else if (step === Step.Restart) this.restart((a & 1) === 0);
    else this.packet(step, a, b, c);
  }

  audit(): void {
    auditTable(this.table, LIMITS, CLIENT_ADDRESSES, this.nowMs);
  }

  private newTable(): Table {
    const options = { scope: this.scope, filtering: "address", algorithm: "vpnmasq", seed: 5, limits: LIMITS } as const;
    const table = new Table(options);
    table.wanAddress = address(WAN);
    table.clients.set(CLIENTS);
    return table;
  }

  // Packets

  private packet(step: Step, a: number, b: number, c: number): void {
    const text = packetOf(step, a, b, c);
    const lengthBytes = string.len(text);
    const { frame } = this;
    copyBytes(frame, text, lengthBytes);
    if (step === Step.EspIn) writeWord(frame, SEQUENCE_AT, this.sequence(b, c));
    const isDamaged = this.damage !== 0 && this.damageAt < lengthBytes;
    if (isDamaged) frame[this.damageAt] = frame[this.damageAt] ^ this.damage;
    if (isDamaged) repairPacket(frame, lengthBytes);
    this.damage = 0;
    this.decide(OUTBOUND.includes(step), lengthBytes, !isDamaged && this.wan === WAN);
    this.performReleases();
  }

  /** Counts up for each SPI of a server, and now and then falls behind, or begins again. */
  private sequence(b: number, c: number): number {
    const key = (b & 7) * 2 + ((c >> 2) & 1);
    const next = (c & 0xc0) === 0xc0 ? 1 : (this.sequences.get(key) ?? 0) + 1;
    const shown = (c & 0xc0) === 0x40 ? next - 100 : next;
    this.sequences.set(key, next);
    return shown;
  }

  private decide(isOutbound: boolean, lengthBytes: number, isSound: boolean): void {
    const { frame, table } = this;
    const { verdict } = table;
    // A copy is needed when it is held: what is forwarded is rewritten in place.
    const original = stringOf(frame, lengthBytes);
    if (isOutbound) table.decideOutbound(frame, 0, lengthBytes, this.nowMs);
    else table.decideInbound(frame, 0, lengthBytes, this.nowMs);
    this.note(isOutbound);
    if (verdict.action === Action.Hold) this.hold(isOutbound, original);
    else if (verdict.action === Action.Forward) this.rewrite(isOutbound);
    else if (verdict.action === Action.Multicast) this.copy(isOutbound);
    if (!isSound || verdict.action !== Action.Forward) return;
    this.forwarded += 1;
    if ((this.forwarded & 7) === 1) this.checkChecksums(lengthBytes);
  }

  private note(isOutbound: boolean): void {
    const { reason, action } = this.table.verdict;
    demand(REASONS[reason] !== undefined, `"${reason}" is no reason`);
    demand(action >= Action.Forward && action <= Action.Drop, "no action");
    const decided = numberOf(reason) * 2 + (isOutbound ? 1 : 0);
    const pair = this.last * 2 * REASONS_MAX + decided;
    this.last = decided;
    if (seen.has(pair)) return;
    seen.add(pair);
    this.reached.note(`pair ${pair}`);
  }

  private hold(isOutbound: boolean, packet: string): void {
    const key = this.table.verdict.holdKey;
    const packets = this.held.get(key) ?? [];
    if (packets.length < HELD_MAX) packets.push({ isOutbound, packet });
    this.held.set(key, packets);
  }

  private rewrite(isOutbound: boolean): void {
    const { table } = this;
    const { client, port } = table.verdict;
    demand(port >= 0 && port <= 0xffff, "no port");
    if (!isOutbound) {
      this.checkClient(client);
      table.packet.decrementTimeToLive();
      table.rewriteInbound(client, port);
    } else if (table.isHairpin) {
      this.checkClient(client);
      table.rewriteHairpin();
    } else {
      table.rewriteOutbound();
      demand(table.packet.source() === table.wanAddress, "leaves with another address than ours");
    }
  }

  private copy(isOutbound: boolean): void {
    const { table } = this;
    const { copies, copyTo, port } = table.verdict;
    demand(!isOutbound, "a copy of what goes out");
    demand(copies >= 1 && copies <= LIMITS.multicastClientsMax, `${copies} copies`);
    const receivers = new LuaSet<number>();
    for (const at of $range(0, copies - 1)) {
      this.checkClient(copyTo[at]);
      demand(!receivers.has(copyTo[at]), "two copies for one client");
      receivers.add(copyTo[at]);
      table.rewriteInbound(copyTo[at], port);
    }
  }

  private checkClient(client: number): void {
    demand(this.table.clients.holds(client), "delivered to who is no client");
  }

  private checkChecksums(lengthBytes: number): void {
    const wrong = wrongChecksums(octetsOf(this.frame, 0, lengthBytes));
    demand(wrong.length === 0, `leaves with a wrong checksum: ${wrong.join(", ")} (${this.table.verdict.reason})`);
  }

  // What was held

  /** Decides anew what may go, as the forwarding layer does; that may let more go. */
  private performReleases(): void {
    const { releases } = this.table;
    if (releases.isEmpty()) return;
    const { discarded, released } = releases;
    releases.clear();
    for (const key of discarded) this.held.delete(key);
    for (const key of released) {
      const packets = this.held.get(key) ?? [];
      this.held.delete(key);
      for (const { isOutbound, packet } of packets) {
        copyBytes(this.frame, packet, string.len(packet));
        this.decide(isOutbound, string.len(packet), false);
        this.performReleases();
      }
    }
    clearNews(this.table.esp, this.table.ike);
  }

  // Events

  private wait(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    for (const _ of $range(1, TICKS_MAX)) {
      if (this.nowMs >= endMs) break;
      this.nowMs = Math.min(endMs, this.nowMs + TICK_MS);
      this.table.expire(this.nowMs);
      this.performReleases();
    }
    this.nowMs = endMs;
    this.table.expire(this.nowMs);
    this.performReleases();
  }

  private changeWan(a: number): void {
    this.wan = WAN_ADDRESSES[a & 1];
    this.table.wanAddress = (a & 7) === 7 ? NO_ADDRESS : address(this.wan);
    this.table.flows?.wanChanged();
    this.table.fragments.clear();
    this.performReleases();
  }

  private stopIke(a: number, c: number): void {
    const untilMs = (a & 0x80) === 0 ? this.nowMs + STOP_MS : 0;
    this.table.ike.stop(address(clientText(a)), address(serverText(c)), untilMs);
  }

  /** With a snapshot of the moment, or without one. */
  private restart(isRemembered: boolean): void {
    this.audit();
    const before = this.table;
    this.held = new LuaMap();
    this.table = this.newTable();
    if (isRemembered) inherit(this.table, before, LIMITS, this.nowMs);
    else this.table.esp.startRelearning(this.nowMs);
    this.audit();
  }
}
