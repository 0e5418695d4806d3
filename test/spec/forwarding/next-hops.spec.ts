// SPDX-License-Identifier: GPL-2.0-only
// Next hops over a kernel of the spec's own, which counts what it is asked.

import { NextHops } from "../../../src/forwarding/next-hops";
import { fail, type Outcome, succeed } from "../../../src/system/outcome";
import type { Neighbour, Route, RouteEvent, RouteSocket } from "../../../src/system/rtnetlink";
import { address, bufferOf } from "../frame";

const WAN = 3;
const LINK_MTU_BYTES = 1500;
const GATEWAY = address("198.51.100.2");
const SERVER = address("203.0.113.5");
const OTHER_SERVER = address("203.0.113.6");
const ON_LINK = address("198.51.100.9");
const ASK_AGAIN_MS = 1000;
const CONFIRM_MS = 15000;

function neighbour(of: number, what: "usable" | "failed" | "asked", interfaceIndex = WAN): Neighbour {
  const hardwareAddress = what === "usable" ? bufferOf([2, 0, 0, 0, 0, of & 0xff]) : undefined;
  return {
    interfaceIndex,
    address: of,
    isUsable: what === "usable",
    hasFailed: what === "failed",
    isPermanent: false,
    state: 0,
    hardwareAddress,
  };
}

class Kernel {
  gateway: number | undefined = GATEWAY;
  mtuBytes: number | undefined;
  hasRoute = true;
  known: Neighbour[] = [];
  routesAsked = 0;
  readonly resolved: number[] = [];

  neighbours(): Outcome<Neighbour[]> {
    return succeed(this.known);
  }

  route(destination: number): Outcome<Route> {
    this.routesAsked += 1;
    if (!this.hasRoute) return fail("no route");
    const gateway = destination === ON_LINK ? undefined : this.gateway;
    const route = { kind: "unicast", interfaceIndex: WAN, gateway, preferredSource: undefined } as const;
    return succeed({ ...route, mtuBytes: this.mtuBytes });
  }

  resolve(_interfaceIndex: number, of: number): Outcome<true> {
    this.resolved.push(of);
    return succeed(true as const);
  }
}

describe("next hops", () => {
  let kernel: Kernel;

  before_each(() => {
    kernel = new Kernel();
  });

  const open = (hasLinkHeader = true): NextHops =>
    new NextHops(kernel as unknown as RouteSocket, WAN, LINK_MTU_BYTES, hasLinkHeader);
  const event = (of: number, what: "usable" | "failed" | "asked"): RouteEvent => ({
    kind: "neighbour",
    neighbour: neighbour(of, what),
  });

  it("are the gateway's, or the destination's own on the link, and asked for once", () => {
    kernel.known = [neighbour(GATEWAY, "usable")];
    const hops = open();
    assert.equal(GATEWAY, hops.find(SERVER).neighbour);
    assert.is_not_nil(hops.find(SERVER).hardwareAddress);
    assert.equal(1, kernel.routesAsked);
    assert.equal(ON_LINK, hops.find(ON_LINK).neighbour);
    assert.same([ON_LINK], kernel.resolved);
  });

  it("have the smaller MTU of route and link", () => {
    kernel.mtuBytes = 1300;
    assert.equal(1300, open().find(SERVER).mtuBytes);
    kernel.mtuBytes = 9000;
    assert.equal(LINK_MTU_BYTES, open().find(SERVER).mtuBytes);
    kernel.mtuBytes = undefined;
    assert.equal(LINK_MTU_BYTES, open().find(SERVER).mtuBytes);
  });

  it("get the hardware address when the neighbour answers, and say who may go", () => {
    const hops = open();
    const hop = hops.find(SERVER);
    assert.is_nil(hop.hardwareAddress);
    assert.is_nil(hops.follow(event(GATEWAY, "asked")));
    assert.equal(GATEWAY, hops.follow(event(GATEWAY, "usable")));
    assert.equal(2, hop.hardwareAddress![0]);
    const elsewhere: RouteEvent = { kind: "neighbour", neighbour: neighbour(GATEWAY, "failed", WAN + 1) };
    assert.is_nil(hops.follow(elsewhere));
    assert.is_false(hop.isUnreachable);
  });

  it("are unreachable when the neighbour does not answer, until it does", () => {
    const hops = open();
    const hop = hops.find(SERVER);
    assert.equal(GATEWAY, hops.follow(event(GATEWAY, "failed")));
    assert.is_true(hop.isUnreachable);
    hops.follow(event(GATEWAY, "usable"));
    assert.is_false(hop.isUnreachable);
  });

  it("are asked for again each second while somebody wants them, and one gateway once for all behind it", () => {
    const hops = open();
    const use = (): void => {
      for (const destination of [SERVER, OTHER_SERVER]) hops.find(destination);
    };
    use();
    hops.confirm(CONFIRM_MS);
    kernel.resolved.length = 0;
    use();
    hops.confirm(CONFIRM_MS + ASK_AGAIN_MS - 1);
    assert.same([], kernel.resolved);
    hops.confirm(CONFIRM_MS + ASK_AGAIN_MS);
    assert.same([GATEWAY], kernel.resolved);
    hops.confirm(CONFIRM_MS + 2 * ASK_AGAIN_MS);
    assert.same([GATEWAY], kernel.resolved);
  });

  it("are confirmed now and then while they are in use", () => {
    kernel.known = [neighbour(GATEWAY, "usable")];
    const hops = open();
    hops.find(SERVER);
    hops.confirm(CONFIRM_MS);
    assert.same([GATEWAY], kernel.resolved);
    hops.confirm(2 * CONFIRM_MS);
    assert.same([GATEWAY], kernel.resolved);
    hops.find(SERVER);
    hops.confirm(3 * CONFIRM_MS);
    assert.same([GATEWAY, GATEWAY], kernel.resolved);
  });

  it("are never confirmed where somebody set them by hand: the kernel would forget them", () => {
    kernel.known = [{ ...neighbour(GATEWAY, "usable"), isPermanent: true }];
    const hops = open();
    hops.find(SERVER);
    hops.confirm(CONFIRM_MS);
    assert.same([], kernel.resolved);
  });

  it("are asked for anew after any change of routes, and when changes were lost", () => {
    const hops = open();
    hops.find(SERVER);
    kernel.gateway = address("198.51.100.3");
    assert.equal<number | string | undefined>("all", hops.follow({ kind: "route" }));
    assert.equal(address("198.51.100.3"), hops.find(SERVER).neighbour);
    kernel.known = [neighbour(address("198.51.100.3"), "usable")];
    assert.equal<number | string | undefined>("all", hops.follow({ kind: "resynchronise" }));
    assert.is_not_nil(hops.find(SERVER).hardwareAddress);
  });

  it("without a route stay unreachable whatever neighbours do, and are asked for anew after a while", () => {
    kernel.hasRoute = false;
    const hops = open();
    const hop = hops.find(SERVER);
    hops.follow(event(SERVER, "usable"));
    assert.is_true(hop.isUnreachable);
    assert.is_nil(hop.hardwareAddress);
    kernel.hasRoute = true;
    hops.confirm(CONFIRM_MS);
    assert.is_false(hops.find(SERVER).isUnreachable);
  });

  it("on a link without header need no neighbour", () => {
    const hops = open(false);
    assert.is_false(hops.find(SERVER).isUnreachable);
    hops.confirm(CONFIRM_MS);
    assert.same([], kernel.resolved);
  });

  it("forget all when there are too many, rather than grow", () => {
    const hops = open();
    for (const index of $range(0, 1024)) hops.find(SERVER + index);
    assert.equal(1025, kernel.routesAsked);
    hops.find(SERVER + 1024);
    assert.equal(1025, kernel.routesAsked);
    hops.find(SERVER);
    assert.equal(1026, kernel.routesAsked);
  });
});
