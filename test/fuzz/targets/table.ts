// SPDX-License-Identifier: GPL-2.0-only
// The whole table under a script of packets and events. After each step the verdict is well formed and what leaves has
// right checksums; after the last one, and before each restart, look-ups, counts and limits agree.

import { ESP_RECORD_WORDS, EspField } from "../../../src/masquerade/esp-record";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import { type Reason, REASONS } from "../../../src/masquerade/reason";
import { NO_ADDRESS, Table } from "../../../src/masquerade/table";
import { Action } from "../../../src/masquerade/verdict";
import { byteArray, type BytePtr, copyBytes, create, stringOf } from "../../../src/system/ffi";
import { writeWord } from "../../../src/wire/bytes";
import { address, octetsOf, wrongChecksums } from "../../spec/frame";
import { auditEsp } from "../../spec/masquerade/esp-audit";
import { repairPacket } from "../../spec/wire/repair";
import { auditIke } from "../ike-audit";
import { INPUT_BYTES_MAX } from "../input";
import { clientText, packetOf, serverText, Step, STEP_BYTES, STEPS, WAN, WAN_ADDRESSES } from "../table-script";
import { demand, type Reached, type Target } from "../target";

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
/** A script is cut to so many steps: an execution is to be short. */
const STEPS_MAX = 96;
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

class Run {
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
    if (step === Step.Wait) this.wait(WAITS_MS[b - Math.floor(b / WAITS_MS.length) * WAITS_MS.length]);
    else if (step === Step.Damage) [this.damageAt, this.damage] = [a, b];
    else if (step === Step.ChangeWan) this.changeWan(a);
    else if (step === Step.StopIke) this.stopIke(a, c);
    else if (step === Step.Restart) this.restart((a & 1) === 0);
    else this.packet(step, a, b, c);
  }

  audit(): void {
    const { esp, flows, fragments, ike } = this.table;
    auditEsp(esp, LIMITS);
    auditIke(ike, LIMITS);
    demand(fragments.count() <= LIMITS.fragmentDatagramsMax, "too many fragmented datagrams");
    if (flows === undefined) return;
    for (const [table, most, mostOfClient] of [
      [flows.tcp, LIMITS.flowsMax, LIMITS.flowsPerClientMax],
      [flows.udp, LIMITS.flowsMax, LIMITS.flowsPerClientMax],
      [flows.icmp, LIMITS.icmpQueriesMax, LIMITS.icmpQueriesPerClientMax],
    ] as const) {
      demand(table.count() <= most, "too many sessions");
      let listed = 0;
      table.forEach(this.nowMs, () => (listed += 1));
      demand(listed <= table.count(), "more sessions listed than counted");
      for (const client of $range(0, 3)) {
        demand(table.countOf(address(clientText(client))) <= mostOfClient, "too many sessions of one client");
      }
    }
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
    const isOutbound = step === Step.EspOut || step === Step.IkeOut || step === Step.FlowOut;
    const isOutboundToo = step === Step.FragmentOut || step === Step.ErrorOut;
    this.decide(isOutbound || isOutboundToo, lengthBytes, !isDamaged && this.wan === WAN);
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
    this.table.esp.learned = [];
    this.table.esp.forgotten = [];
    this.table.ike.learned = [];
    this.table.ike.forgotten = [];
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

  private restart(isRemembered: boolean): void {
    this.audit();
    const before = this.table;
    this.held = new LuaMap();
    this.table = this.newTable();
    if (!isRemembered) {
      this.table.esp.startRelearning(this.nowMs);
      return;
    }
    before.ike.forEach((session) => {
      if (session.phase === "established") this.table.ike.restore(session);
    });
    const { words } = before.esp.records;
    before.esp.forEach((record) => {
      const row = record * ESP_RECORD_WORDS;
      const inSpi = words[row + EspField.InSpi];
      if (inSpi === 0) return;
      const [client, server] = [words[row + EspField.Client], words[row + EspField.Server]];
      this.table.esp.restore(
        client,
        server,
        words[row + EspField.OutSpi],
        inSpi,
        words[row + EspField.Sequence],
        this.nowMs,
      );
    });
    this.audit();
  }
}

/** In the first byte of a script: all traffic is the table's, which takes a hundred times as long to make. */
const SCOPE_ALL = 0x80;

/** Steps as bytes. */
function script(...steps: (readonly [Step, number, number, number])[]): string {
  return steps.map(([step, a, b, c]) => string.char(step, a, b, c)).join("");
}

const SEEDS = [
  script(
    [Step.IkeOut, 0, 0, 2],
    [Step.IkeIn, 0, 4, 2],
    [Step.EspOut, 0, 1, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.EspOut, 0, 1, 0],
  ),
  script(
    [Step.EspOut, 0, 1, 0],
    [Step.EspOut, 1, 2, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.EspIn, 0, 2, 0],
    [Step.Restart, 1, 0, 0],
  ),
  script(
    [Step.IkeOut, 0, 5, 4],
    [Step.IkeOut, 1, 6, 4],
    [Step.EspIn, 0, 3, 0],
    [Step.EspOut, 1, 1, 0],
    [Step.Wait, 0, 4, 0],
  ),
  script(
    [Step.FlowOut + SCOPE_ALL, 0, 1, 0],
    [Step.FlowIn, 0, 1, 0],
    [Step.FlowOut, 1, 1, 0xf0],
    [Step.ErrorIn, 4, 1, 0],
  ),
  script(
    [Step.FragmentOut, 8, 1, 0],
    [Step.FragmentOut, 8, 17, 0],
    [Step.FragmentIn, 8, 17, 0],
    [Step.FragmentIn, 8, 1, 0],
  ),
  script(
    [Step.EspOut, 0, 1, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.Restart, 0, 0, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.ErrorOut, 8, 1, 0],
  ),
];

export const table: Target = {
  name: "table",
  explanation: "The table under scripts of packets, waits and restarts: verdicts, checksums, look-ups, counts, limits.",
  seeds: () => SEEDS,
  tokens: SEEDS,
  execute: ({ bytes, lengthBytes }, reached) => {
    const run = new Run(reached, lengthBytes > 0 && (bytes[0] & SCOPE_ALL) !== 0 ? "all" : "vpn");
    const steps = Math.min(STEPS_MAX, Math.floor(lengthBytes / STEP_BYTES));
    for (const step of $range(0, steps - 1)) {
      const at = step * STEP_BYTES;
      run.take(bytes[at] & (STEPS - 1), bytes[at + 1], bytes[at + 2], bytes[at + 3]);
    }
    run.audit();
  },
};
