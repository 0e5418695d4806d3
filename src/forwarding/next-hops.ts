// SPDX-License-Identifier: GPL-2.0-only
// Where a packet goes next on one interface: the kernel's route and its neighbour, remembered a destination.
//
// The kernel decides and we follow: its routing table, its ARP. As our traffic passes it by, it is told which
// neighbours are in use ("NTF_USE"), so that it goes on confirming them. A neighbour that says, or asks, from another
// hardware address than before is an event of the kernel's and followed at once; only one that moves without any ARP is
// not noticed before the kernel looks for it.

import type { Neighbour, RouteEvent, RouteSocket } from "../system/rtnetlink";
import type { Bytes } from "../wire/bytes";

export interface NextHop {
  /** Whose hardware address is needed: the gateway's, or the destination's own. */
  readonly neighbour: number;
  /** The largest packet: the link's MTU, or less where the route says so. */
  readonly mtuBytes: number;
  /** The kernel has a route by this interface. */
  readonly hasRoute: boolean;
  /** Undefined until the neighbour answered; unused on links without a header. */
  hardwareAddress: Bytes | undefined;
  /** The kernel has no route, or the neighbour does not answer. */
  isUnreachable: boolean;
  /** Used since the kernel was last told so. */
  isInUse: boolean;
}

/** Destinations remembered: beyond, all are forgotten and asked for again. */
const DESTINATIONS_MAX = 1024;
/** The kernel doubts an unused neighbour after half to one and a half times 30 s (base_reachable_time). */
const CONFIRM_MS = 15000;
/** A neighbour without an address is asked for again after this, as the kernel's own packets would (retrans_time). */
const ASK_AGAIN_MS = 1000;

export class NextHops {
  private readonly byDestination = new LuaMap<number, NextHop>();
  private readonly neighbours = new LuaMap<number, Neighbour>();
  private destinations = 0;
  private confirmedMs = 0;
  private askedAgainMs = 0;

  /**
   * @param hasLinkHeader false on links without hardware addresses (PPP): every route is usable at once
   */
  constructor(
    private readonly routes: RouteSocket,
    private readonly interfaceIndex: number,
    private readonly linkMtuBytes: number,
    private readonly hasLinkHeader: boolean,
  ) {
    this.readNeighbours();
  }

  /** The next hop towards `destination` (a word); the kernel is asked when it is new. */
  find(destination: number): NextHop {
    const known = this.byDestination.get(destination);
    if (known !== undefined) {
      known.isInUse = true;
      return known;
    }
    return this.learn(destination);
  }

  /**
   * Follows the kernel's changes.
   * @returns the neighbour (a word) for which packets need wait no longer, "all", or undefined
   */
  follow(event: RouteEvent): number | "all" | undefined {
    if (event.kind === "route" || event.kind === "resynchronise") {
      if (event.kind === "resynchronise") this.readNeighbours();
      this.forgetAll();
      return "all";
    }
    if (event.kind !== "neighbour" && event.kind !== "neighbour gone") return undefined;
    const { address, interfaceIndex } = event.neighbour;
    if (interfaceIndex !== this.interfaceIndex) return undefined;
    if (event.kind === "neighbour gone") this.neighbours.delete(address);
    else this.noteNeighbour(event.neighbour);
    for (const [, hop] of this.byDestination) {
      if (hop.neighbour === address) this.refresh(hop);
    }
    const isDecided = event.kind === "neighbour" && (event.neighbour.isUsable || event.neighbour.hasFailed);
    return isDecided ? address : undefined;
  }

  /** Tells the kernel which neighbours are in use, and asks again for those that it does not know; call now and then. */
  confirm(nowMs: number): void {
    const isConfirmation = nowMs - this.confirmedMs >= CONFIRM_MS;
    if (!isConfirmation && nowMs - this.askedAgainMs < ASK_AGAIN_MS) return;
    this.askedAgainMs = nowMs;
    if (isConfirmation) this.confirmedMs = nowMs;
    const asked = new LuaSet<number>();
    for (const [destination, hop] of this.byDestination) {
      const isDue = isConfirmation || hop.hardwareAddress === undefined;
      if (!hop.hasRoute) {
        if (isConfirmation) this.forget(destination);
      } else if (isDue && hop.isInUse) {
        if (!asked.has(hop.neighbour)) this.resolve(hop);
        asked.add(hop.neighbour);
        hop.isInUse = false;
      }
    }
  }

  private learn(destination: number): NextHop {
    if (this.destinations >= DESTINATIONS_MAX) this.forgetAll();
    const [route] = this.routes.route(destination, this.interfaceIndex);
    const usable = route !== undefined && route.kind === "unicast" && route.interfaceIndex === this.interfaceIndex;
    const hop: NextHop = {
      neighbour: route?.gateway ?? destination,
      mtuBytes: Math.min(route?.mtuBytes ?? this.linkMtuBytes, this.linkMtuBytes),
      hasRoute: usable,
      hardwareAddress: undefined,
      isUnreachable: !usable,
      isInUse: true,
    };
    this.refresh(hop);
    if (usable && hop.hardwareAddress === undefined) this.resolve(hop);
    this.byDestination.set(destination, hop);
    this.destinations += 1;
    return hop;
  }

  private refresh(hop: NextHop): void {
    if (!hop.hasRoute || !this.hasLinkHeader) return;
    const neighbour = this.neighbours.get(hop.neighbour);
    hop.hardwareAddress = neighbour?.isUsable === true ? neighbour.hardwareAddress : undefined;
    hop.isUnreachable = neighbour?.hasFailed === true;
  }

  /**
   * What comes of it is an event. An entry that somebody set by hand is left alone: being told of its use, the kernel
   * would take it for one that it must confirm (net/core/neighbour.c, NEIGH_UPDATE_F_USE).
   */
  private resolve(hop: NextHop): void {
    const isPermanent = this.neighbours.get(hop.neighbour)?.isPermanent === true;
    if (this.hasLinkHeader && !isPermanent) this.routes.resolve(this.interfaceIndex, hop.neighbour);
  }

  private readNeighbours(): void {
    const [neighbours] = this.routes.neighbours();
    if (neighbours === undefined) return;
    for (const [address] of this.neighbours) this.neighbours.delete(address);
    for (const neighbour of neighbours) this.noteNeighbour(neighbour);
  }

  private noteNeighbour(neighbour: Neighbour): void {
    if (neighbour.interfaceIndex === this.interfaceIndex) this.neighbours.set(neighbour.address, neighbour);
  }

  private forget(destination: number): void {
    this.byDestination.delete(destination);
    this.destinations -= 1;
  }

  private forgetAll(): void {
    for (const [destination] of this.byDestination) this.byDestination.delete(destination);
    this.destinations = 0;
  }
}
