// SPDX-License-Identifier: GPL-2.0-only
// Whether this host has a way to a tunnel's peer: link, address, route, and a next hop that answers.
//
// Without one nothing that is done to a tunnel can help; with another than before the server may answer to the wrong place.
// A next hop that was given up is not asked for again by the
// kernel before somebody sends, so it is asked for here, or nobody would notice that it is back.

import type { Neighbour, RouteEvent, RouteSocket } from "../system/rtnetlink";
import type { Bytes } from "../wire/bytes";
import { HARDWARE_ADDRESS_BYTES } from "../wire/ethernet";

/** A next hop that does not answer is asked for this often. */
const RESOLVE_INTERVAL_MS = 500;

/** How a peer is reached. */
interface Way {
  /** Why it is not; "" when it is. */
  readonly obstacle: string;
  /** Equal as long as link, own addresses there and next hop are; "" when it is not reached. */
  readonly name: string;
}

export class WayOut {
  /** The host's own addresses (words). */
  private own = new LuaSet<number>();
  private ownByLink = new LuaMap<number, string>();
  /** The ways to peers, as they were looked for last. Forgotten when anything changes. */
  private known = new LuaMap<number, Way>();
  /** What the link calls next hops that answered, by link and address. */
  private readonly linkAddresses = new LuaMap<string, string>();
  /** Next hops that do not answer, by link and address. */
  private silent = new LuaMap<string, Neighbour>();
  private resolveDueMs = 0;

  constructor(private readonly routes: Pick<RouteSocket, "addresses" | "links" | "neighbours" | "route" | "resolve">) {
    this.readAddresses();
    this.readNeighbours();
  }

  isOwn(address: number): boolean {
    return this.own.has(address);
  }

  /** An event of the route socket. */
  follow(event: RouteEvent): void {
    this.known = new LuaMap();
    if (event.kind === "neighbour") this.hear(event.neighbour);
    else if (event.kind === "neighbour gone") this.silent.delete(nameOf(event.neighbour));
    else if (event.kind === "resynchronise") {
      this.silent = new LuaMap();
      this.readNeighbours();
    }
    if (event.kind !== "neighbour" && event.kind !== "neighbour gone") this.readAddresses();
  }

  tick(nowMs: number): void {
    if (nowMs < this.resolveDueMs) return;
    this.resolveDueMs = nowMs + RESOLVE_INTERVAL_MS;
    for (const [, { interfaceIndex, address }] of this.silent) this.routes.resolve(interfaceIndex, address);
  }

  /** Why nothing can reach the peer (a word); "" when something can. */
  obstacle(peer: number): string {
    return this.wayTo(peer).obstacle;
  }

  /** A name of the way to the peer: another one when link, own addresses there or next hop are others; "" without one. */
  name(peer: number): string {
    return this.wayTo(peer).name;
  }

  private wayTo(peer: number): Way {
    let way = this.known.get(peer);
    if (way === undefined) {
      way = this.find(peer);
      this.known.set(peer, way);
    }
    return way;
  }

  private hear(neighbour: Neighbour): void {
    const { isUsable, hardwareAddress } = neighbour;
    if (isUsable && hardwareAddress !== undefined) {
      this.linkAddresses.set(nameOf(neighbour), linkAddressText(hardwareAddress));
    }
    if (neighbour.hasFailed) this.silent.set(nameOf(neighbour), neighbour);
    else if (neighbour.isUsable) this.silent.delete(nameOf(neighbour));
  }

  private readAddresses(): void {
    const [addresses] = this.routes.addresses();
    if (addresses === undefined) return;
    this.own = new LuaSet();
    this.ownByLink = new LuaMap();
    for (const { address, interfaceIndex } of addresses) {
      this.own.add(address);
      this.ownByLink.set(interfaceIndex, `${this.ownByLink.get(interfaceIndex) ?? ""} ${address}`);
    }
  }

  private readNeighbours(): void {
    const [neighbours] = this.routes.neighbours();
    for (const neighbour of neighbours ?? []) this.hear(neighbour);
  }

  private find(peer: number): Way {
    const [route, problem] = this.routes.route(peer);
    if (route === undefined) return barred(problem);
    if (route.kind === "unreachable") return barred("no route: unreachable");
    const [links, linkProblem] = this.routes.links();
    if (links === undefined) return barred(linkProblem);
    const link = links.find(({ index }) => index === route.interfaceIndex);
    if (link === undefined || !link.isUp || !link.isRunning) return barred(`${link?.name ?? "the link"} is down`);
    const nextHop = nameOf({ interfaceIndex: route.interfaceIndex, address: route.gateway ?? peer });
    if (this.silent.has(nextHop)) return barred(`the next hop on ${link.name} does not answer`);
    const own = `${route.preferredSource ?? ""}${this.ownByLink.get(route.interfaceIndex) ?? ""}`;
    return { obstacle: "", name: `${nextHop} ${this.linkAddresses.get(nextHop) ?? ""} from ${own}` };
  }
}

function barred(obstacle: string): Way {
  return { obstacle, name: "" };
}

function linkAddressText(bytes: Bytes): string {
  let text = "";
  for (const at of $range(0, HARDWARE_ADDRESS_BYTES - 1)) text += string.format("%02x", bytes[at]);
  return text;
}

function nameOf({ interfaceIndex, address }: Pick<Neighbour, "interfaceIndex" | "address">): string {
  return `${interfaceIndex} ${address}`;
}
