// SPDX-License-Identifier: GPL-2.0-only
// Our router in the simulator: the shipped table, parsing and rewriting bytes, with its journal and its hold queue.

import { ESP_RECORD_WORDS, EspField, FLAG_SHARED, NO_SPI } from "../../../src/masquerade/esp-record";
import type { Limits } from "../../../src/masquerade/limits";
import { Table } from "../../../src/masquerade/table";
import { Action } from "../../../src/masquerade/verdict";
import { DEFAULT_NAT_LOSS_LIMITS, NatLossWatch } from "../../../src/watchdog/nat-loss";
import { tunnelUses } from "../../../src/watchdog/tunnel-use";
import { auditEsp } from "../../spec/masquerade/esp-audit";
import type { Random } from "../../spec/random";
import { CLIENT_NETWORK } from "../addresses";
import { type Packet, readdressed } from "../packet";
import { FrameBytes } from "./frame-bytes";
import { HeldPackets } from "./held-packets";
import { JournalModel } from "./journal-model";
import type { Memory, Nat, Sides } from "./nat";

/** How often waits are looked at; in operation always, here while anything waits. */
const TICK_MS = 100;
/** While nothing waits only idle items are to be found, which takes as many calls as there are records. */
const QUIET_TICK_MS = 10000;
const SWEEP_CALLS_MAX = 50;

/** The router looks for lost tunnels so often; here for so long after something that tunnels may be lost by. */
const LOSS_WATCH_MS = 1000;
const LOSS_WATCH_FOR_MS = 400000;

export class VpnmasqNat implements Nat {
  private table: Table | undefined;
  private held = new HeldPackets();
  private readonly frame = new FrameBytes();
  private readonly journal: JournalModel;
  /** When this boot's monotonic clock began. */
  private bootedMs = 0;
  /** What the journal must bring back; undefined when it need not. */
  private expected: LuaSet<string> | undefined;
  private isTickFast = false;
  private relearnEndMs = 0;
  private run = 0;
  private natLoss = new NatLossWatch(DEFAULT_NAT_LOSS_LIMITS);
  private wanChangedMs: number | undefined;
  private lossWatchEndMs = 0;
  private isLossWatchPlanned = false;

  constructor(
    private readonly sides: Sides,
    private readonly random: Random,
    private readonly limits: Limits,
    public wanAddress: number,
  ) {
    this.journal = new JournalModel(limits, random);
    this.start();
  }

  fromLan(packet: Packet): void {
    if (this.table === undefined) return;
    this.decideFromLan(this.table, packet);
    this.settle(this.table);
  }

  fromWan(packet: Packet): void {
    if (this.table === undefined) return;
    this.decideFromWan(this.table, packet);
    this.settle(this.table);
  }

  crash(memory: Memory): void {
    if (this.table === undefined) return;
    this.expected = memory === "journal" ? this.establishedItems(this.table) : undefined;
    this.journal.crash(memory);
    this.table = undefined;
    this.held = new HeldPackets();
    if (memory === "flash") this.bootedMs = this.sides.queue.nowMs;
  }

  start(): void {
    if (this.table !== undefined) return;
    this.table = this.newTable();
    this.natLoss = new NatLossWatch(DEFAULT_NAT_LOSS_LIMITS);
    this.wanChangedMs = undefined;
    const { nowMs } = this;
    if (this.journal.restoreInto(this.table, nowMs())) this.table.esp.startAgain(nowMs());
    else {
      this.table.esp.startRelearning(nowMs());
      this.relearnEndMs = nowMs() + this.limits.relearnMs;
      this.watchLosses();
    }
    this.checkRestored(this.table);
    this.run += 1;
    this.isTickFast = false;
    this.planTick();
  }

  changeAddress(wanAddress: number): void {
    this.wanAddress = wanAddress;
    if (this.table === undefined) return;
    this.table.wanAddress = wanAddress;
    this.wanChangedMs = this.nowMs();
    this.watchLosses();
  }

  setWallClock(byMs: number): void {
    this.journal.wallOffsetMs += byMs;
  }

  audit(): string | undefined {
    if (this.table === undefined) return undefined;
    const { esp, ike } = this.table;
    if (ike.count() > this.limits.ikeItemsMax) return "too many IKE sessions";
    const [isGood, problem] = pcall(auditEsp, esp, this.limits);
    return isGood ? undefined : tostring(problem);
  }

  /** The table as it is, for those who look into it; undefined while the router is down. */
  current(): Table | undefined {
    return this.table;
  }

  private readonly nowMs: (this: void) => number = () => this.sides.queue.nowMs - this.bootedMs;

  private newTable(): Table {
    const seed = this.random.word();
    const options = { scope: "vpn", filtering: "address", algorithm: "vpnmasq", seed, limits: this.limits } as const;
    const table = new Table(options);
    table.wanAddress = this.wanAddress;
    table.clients.set([CLIENT_NETWORK]);
    return table;
  }

  // Packets

  private decideFromLan(table: Table, packet: Packet): void {
    const { frame, sides } = this;
    const lengthBytes = frame.write(packet);
    table.decideOutbound(frame.bytes, 0, lengthBytes, this.nowMs());
    const { verdict } = table;
    if (sides.isTraced) sides.noteDecision(packet, verdict.reason);
    if (verdict.action === Action.Hold) this.held.hold(verdict.holdKey, packet, true, this.nowMs());
    if (verdict.action !== Action.Forward) return;
    table.rewriteOutbound();
    sides.toWan(readdressed(packet, frame.source(), frame.destination()));
  }

  private decideFromWan(table: Table, packet: Packet): void {
    const { frame, sides } = this;
    const lengthBytes = frame.write(packet);
    table.decideInbound(frame.bytes, 0, lengthBytes, this.nowMs());
    const { verdict } = table;
    if (sides.isTraced) sides.noteDecision(packet, verdict.reason);
    if (verdict.action === Action.Hold) this.held.hold(verdict.holdKey, packet, false, this.nowMs());
    const clients: number[] = [];
    if (verdict.action === Action.Forward) clients.push(verdict.client);
    if (verdict.action === Action.Multicast) {
      for (const copy of $range(0, verdict.copies - 1)) clients.push(verdict.copyTo[copy]);
    }
    if (clients.length > this.limits.multicastClientsMax) sides.violated(`a packet was copied ${clients.length} times`);
    if (clients.length === 0) return;
    table.packet.decrementTimeToLive();
    table.rewriteInbound(clients[0], verdict.port);
    sides.toClients(readdressed(packet, frame.source(), frame.destination()), clients);
  }

  /** What follows from a decision: releases, the journal, and a look at what now waits. */
  private settle(table: Table): void {
    const { releases } = table;
    // Established ESP begins no wait, and it is nearly all there is.
    const mayWait = table.verdict.reason !== "esp-established" || !releases.isEmpty();
    while (!releases.isEmpty()) {
      const { released, discarded } = releases;
      releases.clear();
      for (const key of discarded) this.held.take(key);
      for (const key of released) {
        for (const { packet, isFromLan } of this.held.take(key)) {
          if (isFromLan) this.decideFromLan(table, packet);
          else this.decideFromWan(table, packet);
        }
      }
    }
    this.journal.record(table, this.nowMs());
    if (mayWait && !this.isTickFast && this.isWaiting(table)) this.planTick();
  }

  // Ticks

  private isWaiting(table: Table): boolean {
    if (this.held.count > 0 || this.nowMs() < this.relearnEndMs) return true;
    for (const [, server] of table.esp.servers) {
      if (server.hasTurn() || server.waiting.length > 0) return true;
    }
    return false;
  }

  private planTick(): void {
    if (this.table === undefined) return;
    this.isTickFast = this.isWaiting(this.table);
    this.run += 1;
    this.sides.queue.after(this.isTickFast ? TICK_MS : QUIET_TICK_MS, this.tick, this.run);
  }

  private readonly tick: (this: void, run: number) => void = (run) => {
    if (this.table === undefined || run !== this.run) return;
    const calls = this.isTickFast ? 1 : Math.min(SWEEP_CALLS_MAX, 1 + this.table.esp.records.highWater());
    for (const _ of $range(1, calls)) this.table.expire(this.nowMs());
    this.held.expire(this.nowMs());
    this.settle(this.table);
    this.planTick();
  };

  /** The watch acts on proofs only: the public address changed, or there was a start without memory. */
  private watchLosses(): void {
    this.lossWatchEndMs = this.sides.queue.nowMs + LOSS_WATCH_FOR_MS;
    if (!this.isLossWatchPlanned) this.lookForLosses(undefined);
  }

  private readonly lookForLosses: (this: void, _: undefined) => void = () => {
    const { queue } = this.sides;
    this.isLossWatchPlanned = queue.nowMs < this.lossWatchEndMs;
    if (this.isLossWatchPlanned) queue.after(LOSS_WATCH_MS, this.lookForLosses, undefined);
    if (this.table === undefined) return;
    for (const loss of this.natLoss.tick(tunnelUses(this.table.esp, this.nowMs()), this.wanChangedMs, this.nowMs())) {
      this.table.ike.stop(loss.client, loss.server, loss.phase === "blocked" ? loss.untilMs : 0);
    }
  };

  // Memory

  /** Those with an owner of their own: copies to several may find no room in the look-up of another table. */
  private establishedItems({ esp }: Table): LuaSet<string> {
    const items = new LuaSet<string>();
    const { words } = esp.records;
    esp.forEach((record) => {
      const row = record * ESP_RECORD_WORDS;
      const [client, server] = [words[row + EspField.Client], words[row + EspField.Server]];
      const [outSpi, inSpi] = [words[row + EspField.OutSpi], words[row + EspField.InSpi]];
      const isShared = (words[row + EspField.State] & FLAG_SHARED) !== 0;
      if (outSpi !== NO_SPI && inSpi !== NO_SPI && !isShared) items.add(`${client} ${server} ${outSpi} ${inSpi}`);
    });
    return items;
  }

  /** A restart with a complete journal costs no established item. */
  private checkRestored(table: Table): void {
    if (this.expected === undefined) return;
    const restored = this.establishedItems(table);
    for (const item of this.expected) {
      if (!restored.has(item)) this.sides.violated(`a restart with a complete journal lost the item ${item}`);
    }
    this.expected = undefined;
  }
}
