// SPDX-License-Identifier: GPL-2.0-only
// Whether this host has a way to a tunnel's peer: link, address, route, and a next hop that answers.
//
// Without one nothing that is done to a tunnel can help. A next hop that was given up is not asked for again by the
// kernel before somebody sends, so it is asked for here, or nobody would notice that it is back.

import type { Neighbour, RouteEvent, RouteSocket } from "../system/rtnetlink";

/** A next hop that does not answer is asked for this often. */
const RESOLVE_INTERVAL_MS = 500;

export class WayOut {
  /** The host's own addresses (words). */
  private own = new LuaSet<number>();
  /** Why there is no way to a peer; "" when there is. Forgotten when anything changes. */
  private known = new LuaMap<number, string>();
  /** Next hops that do not answer, by link and address. */
  private silent = new LuaMap<string, Neighbour>();
  private resolveDueMs = 0;

  constructor(private readonly routes: Pick<RouteSocket, "addresses" | "links" | "route" | "resolve">) {
    this.readAddresses();
  }

  isOwn(address: number): boolean {
    return this.own.has(address);
  }

  /** An event of the route socket. */
  follow(event: RouteEvent): void {
    this.known = new LuaMap();
    if (event.kind === "neighbour") this.hear(event.neighbour);
    else if (event.kind === "neighbour gone") this.silent.delete(nameOf(event.neighbour));
    else if (event.kind === "resynchronise") this.silent = new LuaMap();
    if (event.kind !== "neighbour" && event.kind !== "neighbour gone") this.readAddresses();
  }

  tick(nowMs: number): void {
    if (nowMs < this.resolveDueMs) return;
    this.resolveDueMs = nowMs + RESOLVE_INTERVAL_MS;
    for (const [, { interfaceIndex, address }] of this.silent) this.routes.resolve(interfaceIndex, address);
  }

  /** Why nothing can reach the peer (a word); "" when something can. */
  obstacle(peer: number): string {
    let text = this.known.get(peer);
    if (text === undefined) {
      text = this.findObstacle(peer);
      this.known.set(peer, text);
    }
    return text;
  }

  private hear(neighbour: Neighbour): void {
    if (neighbour.hasFailed) this.silent.set(nameOf(neighbour), neighbour);
    else if (neighbour.isUsable) this.silent.delete(nameOf(neighbour));
  }

  private readAddresses(): void {
    const [addresses] = this.routes.addresses();
    if (addresses === undefined) return;
    this.own = new LuaSet();
    for (const { address } of addresses) this.own.add(address);
  }

  private findObstacle(peer: number): string {
    const [route, problem] = this.routes.route(peer);
    if (route === undefined) return problem;
    if (route.kind === "unreachable") return "no route: unreachable";
    const [links, linkProblem] = this.routes.links();
    if (links === undefined) return linkProblem;
    const link = links.find(({ index }) => index === route.interfaceIndex);
    if (link === undefined || !link.isUp || !link.isRunning) return `${link?.name ?? "the link"} is down`;
    const nextHop = { interfaceIndex: route.interfaceIndex, address: route.gateway ?? peer };
    return this.silent.has(nameOf(nextHop)) ? `the next hop on ${link.name} does not answer` : "";
  }
}

function nameOf({ interfaceIndex, address }: Pick<Neighbour, "interfaceIndex" | "address">): string {
  return `${interfaceIndex} ${address}`;
}
