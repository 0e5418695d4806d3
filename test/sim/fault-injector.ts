// SPDX-License-Identifier: GPL-2.0-only
// Makes the planned faults happen, and says until when each disturbs.

import type { Random } from "../spec/random";
import { serverAddress, wanAddress } from "./addresses";
import type { Peer } from "./peer";
import type { Attack, Fault } from "./plan";
import type { Site } from "./site";
import type { SimulatedTunnel } from "./tunnel";

type Mishap = Exclude<Fault, Attack>;

export class FaultInjector {
  private wanNumber = 0;

  constructor(
    private readonly site: Site,
    private readonly random: Random,
  ) {}

  plan(fault: Mishap): void {
    this.site.queue.at(fault.atMs, this.happen, fault);
  }

  private readonly happen: (this: void, fault: Mishap) => void = (fault) => {
    const { nowMs } = this.site.queue;
    this.site.note(undefined, "fault", textOf(fault));
    this.site.promises.disturbedUntil(nowMs + ("downMs" in fault ? fault.downMs : 0));
    switch (fault.kind) {
      case "restart":
        this.site.nat.crash(fault.memory);
        this.site.queue.after(fault.downMs, this.startRouter, undefined);
        return;
      case "clock":
        this.site.nat.setWallClock(fault.byMs);
        return;
      case "wan-address":
        this.changeAddress();
        return;
      case "fail-over":
        this.site.nat.crash("none");
        this.changeAddress();
        this.site.nat.start();
        return;
      case "outage":
        this.setWan(false);
        this.site.queue.after(fault.downMs, this.wanBack, undefined);
        return;
      case "server-restart":
        this.stopServer(fault.server);
        this.site.queue.after(fault.downMs, this.startServer, fault.server);
        return;
      case "rekey-all":
        for (const tunnel of this.site.tunnels) (fault.isServers ? tunnel.server : tunnel.client).renew();
        return;
      default:
        this.befallClient(fault);
    }
  };

  private befallClient(fault: Extract<Mishap, { readonly client: number }>): void {
    const tunnel = this.site.tunnels.find(({ plan }) => plan.number === fault.client);
    if (tunnel === undefined) return;
    switch (fault.kind) {
      case "client-restart":
        tunnel.client.stop();
        tunnel.client.run();
        return;
      case "idle":
        tunnel.requests.pause(fault.forMs);
        return;
      case "collision":
        tunnel.client.nextSpi = this.neighbour(tunnel)?.client.newest()?.inSpi;
        return;
      case "reuse":
        tunnel.client.nextSpi = tunnel.client.newest()?.inSpi;
        return;
      case "equal-cookie":
        this.takeCookie(tunnel.client, this.neighbour(tunnel)?.client);
        return;
    }
  }

  /** Another client of the same server. */
  private neighbour({ serverAddress: server, client }: SimulatedTunnel): SimulatedTunnel | undefined {
    const others = this.site.tunnels.filter((other) => other.serverAddress === server && other.client !== client);
    return others.length === 0 ? undefined : others[this.random.below(others.length)];
  }

  private takeCookie(client: Peer, other: Peer | undefined): void {
    const cookies = other?.negotiation.sa?.cookies;
    if (cookies === undefined) return;
    client.nextCookie = { high: cookies.initiatorHigh, low: cookies.initiatorLow };
    client.restartSession();
  }

  private changeAddress(): void {
    this.wanNumber += 1;
    this.site.promises.hasMoved = true;
    this.site.nat.changeAddress(wanAddress(this.wanNumber));
  }

  private setWan(isUp: boolean): void {
    this.site.wanOut.isUp = isUp;
    this.site.wanIn.isUp = isUp;
  }

  private readonly wanBack: (this: void, _: undefined) => void = (_) => {
    this.setWan(true);
  };

  private readonly startRouter: (this: void, _: undefined) => void = (_) => {
    this.site.nat.start();
  };

  private stopServer(server: number): void {
    this.site.downServers.add(serverAddress(server));
    for (const { plan, server: peer } of this.site.tunnels) if (plan.server === server) peer.stop();
  }

  private readonly startServer: (this: void, server: number) => void = (server) => {
    this.site.downServers.delete(serverAddress(server));
    for (const { plan, server: peer } of this.site.tunnels) if (plan.server === server) peer.run();
  };
}

function textOf(fault: Mishap): string {
  switch (fault.kind) {
    case "restart":
      return `router down for ${fault.downMs} ms, memory: ${fault.memory}`;
    case "clock":
      return `the router's wall clock is set by ${fault.byMs} ms`;
    case "outage":
      return `WAN down for ${fault.downMs} ms`;
    case "server-restart":
      return `server ${fault.server} down for ${fault.downMs} ms`;
    case "rekey-all":
      return fault.isServers ? "the servers renew all epochs" : "the clients renew all epochs";
    case "idle":
      return `client ${fault.client} asks nothing for ${fault.forMs} ms`;
    case "client-restart":
    case "collision":
    case "reuse":
    case "equal-cookie":
      return `client ${fault.client}: ${fault.kind}`;
    default:
      return fault.kind;
  }
}
