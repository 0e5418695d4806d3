// SPDX-License-Identifier: GPL-2.0-only
// The fast path as the router sees it: two programs, their maps, and the items that they forward.
//
// Once an item is certain, the kernel forwards its packets without waking us. We go on deciding what is forwarded: entries
// are put and taken back here, next hops follow the kernel's neighbours, and a lease ends it all when we do not renew it.

import type { Reason } from "../../masquerade/reason";
import type { Table } from "../../masquerade/table";
import type { Place } from "../../system/bpf-program";
import { isLittleEndian } from "../../system/ffi";
import { fail, type Outcome, outcomeOf, succeed } from "../../system/outcome";
import type { RouteEvent } from "../../system/rtnetlink";
import type { FilterInstruction } from "../../system/socket-filter";
import { ETHERNET_HEADER_BYTES } from "../../wire/ethernet";
import type { Side } from "../side";
import { Attachment } from "./attachment";
import type { OffloadChoice } from "./choice";
import { EspPath } from "./esp-path";
import { HopRows, ROWS_A_SIDE } from "./hop-rows";
import { OffloadMaps } from "./maps";
import { type Candidate, candidates } from "./places";
import type { Direction, Environment } from "./programs/environment";
import { allLinks, surroundings } from "./surroundings";

/**
 * How long the programs forward for a daemon that does not renew their lease. It is renewed twenty times in that time; and
 * it is far less than IPsec peers take to notice a dead one (30 s and more).
 */
export const LEASE_MS = 2000;
/** All items of a table of the usual size are looked at within a second. */
const VISITS_SHARE = 10;
/** With more than 20 000 items it takes longer: a look is two system calls of some 2 µs each, 8 ms of a tick's 100. */
const VISITS_MAX = 2048;

/** One interface, and the filter of its tap. */
export interface OffloadSide {
  readonly side: Side;
  readonly filter: readonly FilterInstruction[];
}

export interface OffloadSides {
  readonly lan: OffloadSide;
  readonly wan: OffloadSide;
}

export interface OffloadOptions {
  readonly choice: OffloadChoice;
  /** Entries each way. */
  readonly entriesMax: number;
}

/** What the fast path does on one interface. */
export interface SideState {
  /** Undefined: nothing is attached; the reason says why. */
  readonly place: Place | undefined;
  readonly reason: string;
}

export class Offload {
  private readonly offered = new LuaSet<number>();
  private hasOffers = false;
  private visitAt = 0;

  private constructor(
    private readonly table: Table,
    private readonly lan: Side,
    private readonly wan: Side,
    private readonly maps: OffloadMaps,
    private readonly attachments: {
      readonly outbound: Attachment | undefined;
      readonly inbound: Attachment | undefined;
    },
    readonly states: { readonly lan: SideState; readonly wan: SideState },
    private readonly hops: { readonly lan: HopRows; readonly wan: HopRows },
    private readonly esp: EspPath,
  ) {}

  /** Attaches what can be attached; an error when that is nothing, with the reasons. */
  static start(this: void, table: Table, sides: OffloadSides, options: OffloadOptions): Outcome<Offload> {
    const { lan, wan } = sides;
    const [maps, problem] = OffloadMaps.create(options.entriesMax);
    if (maps === undefined) return fail(problem);
    const links = allLinks();
    const lanPlaces = candidates(options.choice, surroundings(lan.side.link, wan.side.link, links));
    const wanPlaces = candidates(options.choice, surroundings(wan.side.link, lan.side.link, links));
    const [outbound, lanReason] = attach(maps, lan, lanPlaces, "outbound");
    const [inbound, wanReason] = attach(maps, wan, wanPlaces, "inbound");
    if (outbound === undefined && inbound === undefined) {
      maps.close();
      const both = `${lan.side.link.name}: ${lanReason}; ${wan.side.link.name}: ${wanReason}`;
      return fail(lanReason === wanReason ? lanReason : both);
    }
    const hops = { lan: new HopRows(maps.hops, lan.side, 0), wan: new HopRows(maps.hops, wan.side, ROWS_A_SIDE) };
    const isAttached = { outbound: outbound !== undefined, inbound: inbound !== undefined };
    const esp = new EspPath(table.esp, maps, hops, table.wanAddress, isAttached);
    table.esp.fastPath = esp;
    const states = { lan: stateOf(outbound, lanReason), wan: stateOf(inbound, wanReason) };
    return succeed(new Offload(table, lan.side, wan.side, maps, { outbound, inbound }, states, hops, esp));
  }

  /** A packet of an established item passed us: the kernel can have what follows. @perPacket */
  offer(item: number): void {
    this.offered.add(item);
    this.hasOffers = true;
  }

  /** Call it when what was received before is on its way, so that nothing overtakes it. */
  fill(): void {
    if (!this.hasOffers) return;
    this.hasOffers = false;
    for (const item of this.offered) {
      this.esp.offer(item);
      this.offered.delete(item);
    }
  }

  /** Follows the kernel's changes; the sides have done so before. */
  follow(event: RouteEvent): void {
    this.hops.lan.follow(event);
    this.hops.wan.follow(event);
  }

  /** Renews the lease, counts what passed, and looks after a share of the items; call about ten times a second. */
  tick(nowMs: number, counters: LuaMap<Reason, number>): void {
    this.maps.allowUntil(nowMs + LEASE_MS);
    this.count(counters);
    const records = this.table.esp.records.highWater();
    for (const _ of $range(1, Math.min(Math.ceil(records / VISITS_SHARE), VISITS_MAX))) {
      this.visitAt = this.visitAt + 1 < records ? this.visitAt + 1 : 0;
      this.esp.visit(this.visitAt, nowMs);
    }
  }

  /** Entries in the kernel's maps, directions of items. */
  entries(): number {
    return this.esp.entries;
  }

  /** Packets and bytes forwarded in all, both ways. */
  passed(): { readonly packets: number; readonly bytes: number } {
    const { outbound, inbound } = this.maps.passed;
    return { packets: outbound.packets + inbound.packets, bytes: outbound.bytes + inbound.bytes };
  }

  /** Why the last entry was refused; undefined when it was not. */
  refusal(): string | undefined {
    return this.esp.refusal;
  }

  /** Bytes of an item that passed and are not in its own count yet, out and in. */
  passing(record: number): LuaMultiReturn<[out: number, into: number]> {
    return this.esp.passing(record);
  }

  /** Ends it: all packets pass us again, and the items know what has passed. */
  close(counters: LuaMap<Reason, number>): void {
    this.maps.allowUntil(0);
    this.attachments.outbound?.close();
    this.attachments.inbound?.close();
    this.esp.takeBackAll();
    this.table.esp.fastPath = undefined;
    this.count(counters);
    this.maps.close();
  }

  private count(counters: LuaMap<Reason, number>): void {
    this.maps.count();
    const { outbound, inbound } = this.maps.passed;
    const [packetsOut, bytesOut] = outbound.take();
    const [packetsIn, bytesIn] = inbound.take();
    countPassage(this.lan, this.wan, packetsOut, bytesOut);
    countPassage(this.wan, this.lan, packetsIn, bytesIn);
    counters.set("esp-established", (counters.get("esp-established") ?? 0) + packetsOut + packetsIn);
  }
}

function countPassage(from: Side, to: Side, packets: number, bytes: number): void {
  from.framesIn += packets;
  from.bytesIn += bytes + packets * ETHERNET_HEADER_BYTES;
  to.framesOut += packets;
  to.bytesOut += bytes;
}

function attach(
  maps: OffloadMaps,
  { side, filter }: OffloadSide,
  places: readonly Candidate[],
  direction: Direction,
): Outcome<Attachment> {
  const { hardwareAddress } = side.link;
  if (side.ring.linkHeaderBytes === 0 || hardwareAddress === undefined) {
    return fail(`${side.link.name} has no link header, which the programs write`);
  }
  const environment: Environment = {
    maps: maps.descriptors(),
    hardwareAddress,
    isLittleEndian,
    hasAtomics: jit.arch !== "arm",
  };
  const [attachment, problem] = Attachment.make(side, direction, environment, places, filter);
  return outcomeOf(attachment, problem);
}

function stateOf(attachment: Attachment | undefined, problem: string | undefined): SideState {
  return { place: attachment?.place, reason: problem ?? attachment?.refusals.join("; ") ?? "" };
}
