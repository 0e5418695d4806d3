// SPDX-License-Identifier: GPL-2.0-only
// A site with clients, its router and a server beyond, each in a network of its own:
//
//   client 1  10.7.0.11 ─┐
//                        ├─ lan0  router  wan0 ── 198.51.100.2  server  203.0.113.5, 203.0.113.6
//   client 2  10.7.0.12 ─┘  10.7.0.1      198.51.100.1

import { Namespace } from "./namespace";
import { Station } from "./station";

export const ROUTER_LAN = "10.7.0.1";
export const ROUTER_WAN = "198.51.100.1";
export const GATEWAY = "198.51.100.2";
export const SERVER = "203.0.113.5";
export const OTHER_SERVER = "203.0.113.6";
export const CLIENT_1 = "10.7.0.11";
export const CLIENT_2 = "10.7.0.12";

export interface SiteOptions {
  /** The site's packets travel on in a tunnel, or whatever else the spec builds: no wan0 is made. */
  readonly withoutWan?: boolean;
  /** Both clients are one host at the end of a cable, for drivers' XDP, which bridges do not have. */
  readonly isLanCable?: boolean;
}

export class Site {
  readonly router = new Namespace();
  readonly clients: readonly Station[];
  readonly server: Station;
  private readonly namespaces: Namespace[] = [this.router];

  constructor(options: SiteOptions = {}) {
    this.clients = options.isLanCable === true ? this.clientsOnCable() : this.clientsOnBridge();
    const beyond = this.host();
    beyond.ip(`addr add ${SERVER}/32 dev lo`, `addr add ${OTHER_SERVER}/32 dev lo`);
    this.server = new Station(beyond, SERVER);
    if (options.withoutWan !== true) this.plugWan();
  }

  /** Gives the router its WAN interface. */
  plugWan(): void {
    this.router.ip(`link add wan0 type veth peer name eth0 netns ${this.server.namespace.path()}`);
    this.server.namespace.ip("link set eth0 up", `addr add ${GATEWAY}/24 dev eth0`);
    this.router.ip("link set wan0 up", `addr add ${ROUTER_WAN}/24 dev wan0`, `route add default via ${GATEWAY}`);
  }

  /** Each once. */
  stations(): Station[] {
    const [first, second] = this.clients;
    return first === second ? [first, this.server] : [first, second, this.server];
  }

  close(): void {
    for (const station of this.stations()) station.close();
    for (const namespace of this.namespaces) namespace.close();
  }

  private clientsOnBridge(): Station[] {
    this.router.ip(
      `link add lan0 type bridge forward_delay 0`,
      `addr add ${ROUTER_LAN}/24 dev lan0`,
      "link set lan0 up",
    );
    return [this.client(1, CLIENT_1), this.client(2, CLIENT_2)];
  }

  /** One station, which has both addresses. */
  private clientsOnCable(): Station[] {
    const namespace = this.host();
    this.router.ip(`link add lan0 type veth peer name eth0 netns ${namespace.path()}`);
    this.router.ip(`addr add ${ROUTER_LAN}/24 dev lan0`, "link set lan0 up");
    namespace.ip("link set eth0 up", `addr add ${CLIENT_1}/24 dev eth0`, `addr add ${CLIENT_2}/24 dev eth0`);
    namespace.ip(`route add default via ${ROUTER_LAN}`);
    const station = new Station(namespace, CLIENT_1);
    return [station, station];
  }

  private client(number: number, address: string): Station {
    const namespace = this.host();
    const port = `port${number}`;
    this.router.ip(
      `link add ${port} type veth peer name eth0 netns ${namespace.path()}`,
      `link set ${port} master lan0 up`,
    );
    namespace.ip("link set eth0 up", `addr add ${address}/24 dev eth0`, `route add default via ${ROUTER_LAN}`);
    return new Station(namespace, address);
  }

  private host(): Namespace {
    const namespace = new Namespace();
    this.namespaces.push(namespace);
    return namespace;
  }
}
