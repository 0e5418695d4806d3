// SPDX-License-Identifier: GPL-2.0-only
// The fast path as the router sees it: two programs, their maps, and the items that they forward.
//
// Once an item is certain, the kernel forwards its packets without waking us. We go on deciding what is forwarded: entries
// are put and taken back here, next hops follow the kernel's neighbours, and a lease ends it all when we do not renew it.

import type { Reason } from "../../masquerade/reason";
import type { Table } from "../../masquerade/table";
import { monotonicMs } from "../../system/clock";
import { isLittleEndian } from "../../system/ffi";
import { fail, type Outcome, outcomeOf, succeed } from "../../system/outcome";
import type { RouteEvent } from "../../system/rtnetlink";
import type { FilterInstruction } from "../../system/socket-filter";
import { ETHERNET_HEADER_BYTES } from "../../wire/ethernet";
import { Protocol } from "../../wire/ipv4";
import type { Side } from "../side";
import { Attachment } from "./attachment";
import type { OffloadChoice } from "./choice";
import { Course } from "./course";
import { EspPath } from "./esp-path";
import { FlowPath } from "./flow-path";
import { HopRows, ROWS_A_SIDE } from "./hop-rows";
import { Lane } from "./lane";
import { tallyRow } from "./layout";
import { OffloadMaps } from "./maps";
import { type Candidate, candidates, type Place } from "./places";
import type { Direction, Environment } from "./programs/environment";
import { allLinks, surroundings } from "./surroundings";

/**
 * How long the programs forward for a daemon that does not renew their lease. It is renewed twenty times in that time; and
 * it is far less than IPsec peers take to notice a dead one (30 s and more).
 */
export const LEASE_MS = 2000;
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
  /** Entries each way. With more, packets go on passing us. */
  readonly entriesMax: number;
}

/** What the fast path does on one interface. */
export interface SideState {
  /** Undefined: nothing is attached; the reason says why. */
  readonly place: Place | undefined;
  readonly reason: string;
}

/** The paths by which packets of tables pass in the kernel; `tcp` and `udp` in `scope all` only. */
interface Paths {
  readonly esp: EspPath;
  readonly tcp?: FlowPath;
  readonly udp?: FlowPath;
}

export class Offload {
  private readonly esp: Lane;
  private readonly tcp: Lane | undefined;
  private readonly udp: Lane | undefined;
  private readonly lanes: readonly Lane[];

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
    private readonly paths: Paths,
  ) {
    const { esp, tcp, udp } = paths;
    this.esp = new Lane(esp);
    this.lanes = [this.esp];
    table.esp.fastPath = esp;
    if (table.flows === undefined || tcp === undefined || udp === undefined) return;
    this.tcp = new Lane(tcp);
    this.udp = new Lane(udp);
    this.lanes = [this.esp, this.tcp, this.udp];
    table.flows.tcp.fastPath = tcp;
    table.flows.udp.fastPath = udp;
  }

  /** Attaches what can be attached; an error when that is nothing, with the reasons. */
  static start(this: void, table: Table, sides: OffloadSides, options: OffloadOptions): Outcome<Offload> {
    const { lan, wan } = sides;
    const [maps, problem] = OffloadMaps.create(options.entriesMax);
    if (maps === undefined) return fail(problem);
    // Without a lease the programs do nothing; there is nothing to forward yet.
    maps.allowUntil(monotonicMs() + LEASE_MS);
    const hasFlows = table.flows !== undefined;
    const links = allLinks();
    const lanPlaces = candidates(options.choice, surroundings(lan.side.link, wan.side.link, links));
    const wanPlaces = candidates(options.choice, surroundings(wan.side.link, lan.side.link, links));
    const [outbound, lanReason] = attach({ from: lan, to: wan, direction: "outbound", hasFlows }, maps, lanPlaces);
    const [inbound, wanReason] = attach({ from: wan, to: lan, direction: "inbound", hasFlows }, maps, wanPlaces);
    if (outbound === undefined && inbound === undefined) {
      maps.close();
      const both = `${lan.side.link.name}: ${lanReason}; ${wan.side.link.name}: ${wanReason}`;
      return fail(lanReason === wanReason ? lanReason : both);
    }
    const hops = { lan: new HopRows(maps.hops, lan.side, 0), wan: new HopRows(maps.hops, wan.side, ROWS_A_SIDE) };
    const out = new Course(maps.outbound, hops.wan, outbound !== undefined);
    const into = new Course(maps.inbound, hops.lan, inbound !== undefined);
    const paths = pathsOf(table, out, into);
    const states = { lan: stateOf(outbound, lanReason), wan: stateOf(inbound, wanReason) };
    return succeed(new Offload(table, lan.side, wan.side, maps, { outbound, inbound }, states, hops, paths));
  }

  /** A packet of an established item, or a session's, passed us: the kernel can have what follows. @perPacket */
  offer(protocol: number, item: number): void {
    if (protocol === Protocol.Esp) this.esp.offer(item);
    else if (protocol === Protocol.Tcp) this.tcp?.offer(item);
    else if (protocol === Protocol.Udp) this.udp?.offer(item);
  }

  /**
   * The packet was joined from several. Who does that to packets that come up does it to those that the kernel's programs
   * look at too, except at native XDP, which is before; and the programs leave such packets to us.
   */
  offerJoined(protocol: number, item: number, from: Side): void {
    const state = from === this.lan ? this.states.lan : this.states.wan;
    if (state.place === "native XDP") this.offer(protocol, item);
    else if (protocol === Protocol.Tcp) this.paths.tcp?.keep(item);
    else if (protocol === Protocol.Udp) this.paths.udp?.keep(item);
  }

  /** Call it when what was received before is on its way, so that nothing overtakes it. */
  fill(): void {
    for (const lane of this.lanes) lane.fill();
    const { lan, wan } = this.hops;
    if (lan.isUsedUp || wan.isUsedUp) this.beginAnew();
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
    for (const lane of this.lanes) lane.lookAfter(nowMs);
  }

  /** Entries in the kernel's maps: directions of items and sessions. */
  entries(): number {
    return this.maps.outbound.count + this.maps.inbound.count;
  }

  /** Packets and bytes forwarded in all, both ways. */
  passed(): { readonly packets: number; readonly bytes: number } {
    let [packets, bytes] = [0, 0];
    for (const passed of this.maps.passed) {
      packets += passed.packets;
      bytes += passed.bytes;
    }
    return { packets, bytes };
  }

  /** Why the last entry was refused; undefined when it was not. */
  refusal(): string | undefined {
    return this.maps.outbound.refusal ?? this.maps.inbound.refusal;
  }

  /** Bytes of an ESP item that passed and are not in its own count yet, out and in. */
  passing(record: number): LuaMultiReturn<[out: number, into: number]> {
    return this.paths.esp.passing(record);
  }

  /** Ends it: all packets pass us again, and the items know what has passed. */
  close(counters: LuaMap<Reason, number>): void {
    this.maps.allowUntil(0);
    this.attachments.outbound?.close();
    this.attachments.inbound?.close();
    for (const lane of this.lanes) lane.takeBackAll();
    const { esp, flows } = this.table;
    esp.fastPath = undefined;
    if (flows !== undefined) {
      flows.tcp.fastPath = undefined;
      flows.udp.fastPath = undefined;
    }
    this.count(counters);
    this.maps.close();
  }

  private beginAnew(): void {
    for (const lane of this.lanes) lane.takeBackAll();
    this.hops.lan.beginAnew();
    this.hops.wan.beginAnew();
  }

  private count(counters: LuaMap<Reason, number>): void {
    this.maps.count();
    for (const [kind, reason] of [
      ["esp", "esp-established"],
      ["flow", "flow-known"],
    ] as const) {
      const rows = tallyRow[kind];
      const [packetsOut, bytesOut] = this.maps.passed[rows.outbound].take();
      const [packetsIn, bytesIn] = this.maps.passed[rows.inbound].take();
      countPassage(this.lan, this.wan, packetsOut, bytesOut);
      countPassage(this.wan, this.lan, packetsIn, bytesIn);
      counters.set(reason, (counters.get(reason) ?? 0) + packetsOut + packetsIn);
    }
  }
}

function pathsOf(table: Table, out: Course, into: Course): Paths {
  const { flows, wanAddress } = table;
  const esp = new EspPath(table.esp, out, into, wanAddress);
  if (flows === undefined) return { esp };
  const tcp = new FlowPath(flows.tcp, out, into, wanAddress);
  return { esp, tcp, udp: new FlowPath(flows.udp, out, into, wanAddress) };
}

function countPassage(from: Side, to: Side, packets: number, bytes: number): void {
  from.framesIn += packets;
  from.bytesIn += bytes + packets * ETHERNET_HEADER_BYTES;
  to.framesOut += packets;
  to.bytesOut += bytes;
}

/** What a program is for: packets that come in by one interface and leave by the other. */
interface Crossing {
  readonly from: OffloadSide;
  readonly to: OffloadSide;
  readonly direction: Direction;
  readonly hasFlows: boolean;
}

function attach(crossing: Crossing, maps: OffloadMaps, places: readonly Candidate[]): Outcome<Attachment> {
  const { from, to, direction, hasFlows } = crossing;
  for (const { side } of [from, to]) {
    const hasHeader = side.ring.linkHeaderBytes > 0 && side.link.hardwareAddress !== undefined;
    if (!hasHeader) return fail(`${side.link.name} has no link header (PPP or a tunnel), and the programs write one`);
  }
  const environment: Environment = {
    maps: maps.descriptors(),
    hardwareAddress: from.side.link.hardwareAddress!,
    isLittleEndian,
    hasAtomics: jit.arch !== "arm",
    hasFlows,
  };
  const [attachment, problem] = Attachment.make(from.side, direction, environment, places, from.filter);
  return outcomeOf(attachment, problem);
}

function stateOf(attachment: Attachment | undefined, problem: string | undefined): SideState {
  return { place: attachment?.place, reason: problem ?? attachment?.refusals.join("; ") ?? "" };
}
