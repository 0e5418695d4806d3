// SPDX-License-Identifier: GPL-2.0-only
// The way to a peer: what stands in it, and that a next hop that fell silent is asked for until it is back.

import { fail, type Outcome, succeed } from "../../../src/system/outcome";
import type { InterfaceAddress, Link, Neighbour, Route } from "../../../src/system/rtnetlink";
import { WayOut } from "../../../src/watchdog/way-out";
import { address, bufferOf, hex } from "../frame";

const PEER = address("198.51.100.99");
const GATEWAY = address("192.168.1.1");
const HARDWARE_ADDRESS = bufferOf(hex("020000000001"));
const OTHER_HARDWARE_ADDRESS = bufferOf(hex("020000000002"));

class FakeRoutes {
  hasRoute = true;
  gateway = GATEWAY;
  own = "192.168.1.11";
  isLinkUp = true;
  asked = 0;
  resolved: number[] = [];
  known: Neighbour[] = [];

  addresses(): Outcome<InterfaceAddress[]> {
    const scope = { interfaceIndex: 2, prefixLength: 24, scope: 0, isSecondary: false };
    return succeed([{ address: address(this.own), ...scope }]);
  }

  route(): Outcome<Route> {
    this.asked += 1;
    if (!this.hasRoute) return fail("no route: Network is unreachable");
    const way = { preferredSource: undefined, mtuBytes: undefined };
    return succeed({ kind: "unicast" as const, interfaceIndex: 2, gateway: this.gateway, ...way });
  }

  links(): Outcome<Link[]> {
    const isUp = this.isLinkUp;
    const kind = { mtuBytes: 1500, hardwareType: 1, hardwareAddress: undefined };
    return succeed([{ index: 2, name: "eth0", isUp, isRunning: isUp, ...kind }]);
  }

  neighbours(): Outcome<Neighbour[]> {
    return succeed(this.known);
  }

  resolve(_interfaceIndex: number, whom: number): Outcome<true> {
    this.resolved.push(whom);
    return succeed(true as const);
  }
}

function gateway(isUsable: boolean): Neighbour {
  return {
    interfaceIndex: 2,
    address: GATEWAY,
    isUsable,
    hasFailed: !isUsable,
    isPermanent: false,
    state: 0,
    hardwareAddress: undefined,
  };
}

describe("the way to a peer", () => {
  let routes: FakeRoutes;
  let way: WayOut;

  before_each(() => {
    routes = new FakeRoutes();
    way = new WayOut(routes);
  });

  it("is free with a route over a link that is up, and is looked for once", () => {
    assert.equal("", way.obstacle(PEER));
    assert.equal("", way.obstacle(PEER));
    assert.equal(1, routes.asked);
    assert.is_true(way.isOwn(address("192.168.1.11")));
  });

  it("is looked for again when anything changes", () => {
    way.obstacle(PEER);
    routes.hasRoute = false;
    way.follow({ kind: "route" });
    assert.equal("no route: Network is unreachable", way.obstacle(PEER));
    routes.hasRoute = true;
    routes.isLinkUp = false;
    way.follow({ kind: "route" });
    assert.equal("eth0 is down", way.obstacle(PEER));
  });

  it("keeps its name while nothing changes, and has another one by another next hop or from another address", () => {
    const first = way.name(PEER);
    way.follow({ kind: "route" });
    assert.equal(first, way.name(PEER));
    routes.gateway = address("192.168.1.2");
    way.follow({ kind: "route" });
    const second = way.name(PEER);
    routes.own = "192.168.1.12";
    way.follow({ kind: "address gone", address: routes.addresses()[0]![0] });
    const third = way.name(PEER);
    assert.equal(3, new Set([first, second, third]).size);
  });

  it("has another name when the next hop's address on the link belongs to another machine", () => {
    routes.known = [{ ...gateway(true), hardwareAddress: HARDWARE_ADDRESS }];
    way = new WayOut(routes);
    const before = way.name(PEER);
    way.follow({ kind: "neighbour", neighbour: { ...gateway(true), hardwareAddress: OTHER_HARDWARE_ADDRESS } });
    assert.not_equal(before, way.name(PEER));
  });

  it("has no name while it is barred", () => {
    routes.isLinkUp = false;
    assert.equal("", way.name(PEER));
  });

  it("is barred by a next hop that does not answer, which is asked for until it does", () => {
    way.follow({ kind: "neighbour", neighbour: gateway(false) });
    assert.equal("the next hop on eth0 does not answer", way.obstacle(PEER));
    for (const nowMs of $range(0, 1000, 100)) way.tick(nowMs);
    assert.same([GATEWAY, GATEWAY, GATEWAY], routes.resolved);
    way.follow({ kind: "neighbour", neighbour: gateway(true) });
    assert.equal("", way.obstacle(PEER));
    way.tick(2000);
    assert.equal(3, routes.resolved.length);
  });
});
