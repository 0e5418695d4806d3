// SPDX-License-Identifier: GPL-2.0-only
// The router's fast path: there while both interfaces are, made anew when they or what is ours change.
//
// Its code is loaded when it is first wanted, so that a board without eBPF, or whose configuration wants none, spares the
// memory; and some time after the interfaces are there, for what waited through a restart is to be forwarded first.

import type { Forwarder } from "../forwarding/forwarder";
import type { Offload } from "../forwarding/offload/offload";
import type { Side } from "../forwarding/side";
import { lanFilter, wanFilter } from "../forwarding/tap-filter";
import type { Territory } from "../forwarding/territory";
import type { Reason } from "../masquerade/reason";
import { NO_ADDRESS, type Table } from "../masquerade/table";
import type { Configuration } from "./configuration";
import type { OffloadReport } from "./router-state";

const NOT_YET = "an interface or the clients' address is missing";
const SOON = "about to start";
/** Half a second: packets wait while the code is loaded and the kernel checks the programs. */
const START_TICKS = 5;

/** What an attempt needs. */
interface Surroundings {
  readonly forwarder: Forwarder;
  readonly table: Table;
  readonly territory: Territory;
}

export class RouterFastPath {
  private offload: Offload | undefined;
  /** Why there is none. */
  private reason = NOT_YET;
  /** What the last attempt was made with, or the next one will be. */
  private lan: Side | undefined;
  private wan: Side | undefined;
  /** Present until the attempt, in so many ticks. */
  private ahead: Surroundings | undefined;
  private ticksLeft = 0;

  constructor(private readonly config: Configuration) {
    if (config.offload === "off") this.reason = "switched off (offload is off)";
  }

  /** Call it when sides, territory or clients may have changed; {@link close} comes before a change of the latter two. */
  reconcile(forwarder: Forwarder, table: Table, territory: Territory): void {
    const { lan, wan } = forwarder;
    if (this.config.offload === "off") return;
    if (lan !== undefined && lan === this.lan && wan === this.wan) return;
    this.close(forwarder);
    if (lan === undefined || wan === undefined || table.wanAddress === NO_ADDRESS) return;
    this.lan = lan;
    this.wan = wan;
    this.ahead = { forwarder, table, territory };
    this.ticksLeft = START_TICKS;
    this.reason = SOON;
  }

  /** Call it about ten times a second. @returns whether there is news */
  tick(nowMs: number, counters: LuaMap<Reason, number>): boolean {
    const isDue = this.ahead !== undefined && this.ticksLeft <= 1;
    if (isDue) this.start(this.ahead!);
    this.ticksLeft -= 1;
    this.offload?.tick(nowMs, counters);
    return isDue;
  }

  /** All packets pass us again. */
  close(forwarder: Forwarder): void {
    forwarder.fastPath = undefined;
    this.offload?.close(forwarder.counters);
    this.offload = undefined;
    this.lan = undefined;
    this.wan = undefined;
    this.ahead = undefined;
    if (this.config.offload !== "off") this.reason = NOT_YET;
  }

  /** A sentence for the log. */
  news(): string {
    const isUnclear = this.reason === NOT_YET || this.reason === SOON;
    if (this.offload === undefined) return isUnclear ? "" : `no offload: ${this.reason}`;
    const { lan, wan } = this.offload.states;
    return `offload: LAN ${lan.place ?? lan.reason}, WAN ${wan.place ?? wan.reason}`;
  }

  private start({ forwarder, table, territory }: Surroundings): void {
    this.ahead = undefined;
    const { lan, wan } = forwarder;
    if (lan === undefined || wan === undefined) return;
    const sides = {
      lan: { side: lan, filter: lanFilter(territory, lan.ring.linkHeaderBytes) },
      wan: { side: wan, filter: wanFilter(territory, wan.ring.linkHeaderBytes) },
    };
    const { limits, offload: choice, scope } = this.config;
    const flowsMax = scope === "all" ? limits.flowsMax : 0;
    const program = require("../forwarding/offload/offload") as typeof import("../forwarding/offload/offload");
    const [offload, problem] = program.Offload.start(table, sides, {
      choice,
      entriesMax: limits.espItemsMax + flowsMax,
    });
    this.offload = offload;
    this.reason = problem ?? "";
    forwarder.fastPath = offload;
    // What its code and programs were made from goes back to the system.
    collectgarbage();
  }

  passing(record: number): LuaMultiReturn<[out: number, into: number]> {
    if (this.offload === undefined) return $multi(0, 0);
    return this.offload.passing(record);
  }

  report(): OffloadReport {
    const { offload, reason } = this;
    if (offload === undefined) {
      const none = { place: undefined, reason };
      return { lan: none, wan: none, entries: 0, packets: 0, bytes: 0, refusal: undefined };
    }
    const { packets, bytes } = offload.passed();
    return { ...offload.states, entries: offload.entries(), packets, bytes, refusal: offload.refusal() };
  }
}
