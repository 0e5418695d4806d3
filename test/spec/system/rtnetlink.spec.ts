// SPDX-License-Identifier: GPL-2.0-only
// Links, addresses, routes and neighbours, asked of a real kernel and followed while they change.

import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import { hardwareType, type RouteEvent, RouteSocket } from "../../../src/system/rtnetlink";
import { collectGarbage, demandOwnNetwork, linkNamed, must, problemOf, RemoteHost, shell, VethPair } from "./network";

/** 192.0.2.1 and .9, 198.51.100.7: addresses for documentation (RFC 5737), as words. */
const OURS = 0xc0000201 - 0x100000000;
const NEIGHBOUR = 0xc0000209 - 0x100000000;
const FAR_AWAY = 0xc6336407 - 0x100000000;

const EVENT_TIMEOUT_MS = 3000;

/** Follows changes until one is as wanted. */
class Follower {
  readonly loop = new EventLoop();
  readonly events: RouteEvent[] = [];
  readonly routes: RouteSocket;

  constructor() {
    const events = this.events;
    this.routes = must(RouteSocket.open(this.loop, (event) => events.push(event)));
  }

  await(isWanted: (this: void, event: RouteEvent) => boolean): RouteEvent {
    const deadlineMs = monotonicMs() + EVENT_TIMEOUT_MS;
    while (monotonicMs() < deadlineMs) {
      const found = this.events.find((event) => isWanted(event));
      if (found !== undefined) return found;
      this.loop.runOnce(50);
      collectGarbage();
    }
    return error("the event did not come", 0);
  }

  close(): void {
    this.routes.close();
  }
}

describe("rtnetlink", () => {
  let pair: VethPair;
  let routes: RouteSocket;

  before_each(() => {
    demandOwnNetwork();
    pair = new VethPair("mtu 1400");
    shell(`ip address add 192.0.2.1/24 dev ${pair.near}`);
    routes = must(RouteSocket.open());
  });

  after_each(() => {
    routes.close();
    pair.remove();
  });

  it("lists links with what a router wants to know", () => {
    const link = linkNamed(pair.near);
    assert.is_true(link.isUp);
    assert.is_true(link.isRunning);
    assert.equal(1400, link.mtuBytes);
    assert.equal(hardwareType.ethernet, link.hardwareType);
    assert.is_not_nil(link.hardwareAddress);
    assert.equal(hardwareType.loopback, linkNamed("lo").hardwareType);
  });

  it("lists IPv4 addresses", () => {
    const index = linkNamed(pair.near).index;
    const found = must(routes.addresses()).find((address) => address.interfaceIndex === index)!;
    assert.equal(OURS, found.address);
    assert.equal(24, found.prefixLength);
    assert.equal(0, found.scope);
    assert.is_false(found.isSecondary);
  });

  it("finds the route to a destination on the link and through a gateway", () => {
    shell(`ip route add 198.51.100.0/24 via 192.0.2.9 dev ${pair.near} mtu 1300`);
    const onLink = must(routes.route(NEIGHBOUR));
    assert.equal("unicast", onLink.kind);
    assert.is_nil(onLink.gateway);
    assert.equal(OURS, onLink.preferredSource);
    const away = must(routes.route(FAR_AWAY, linkNamed(pair.near).index));
    assert.equal(NEIGHBOUR, away.gateway);
    assert.equal(1300, away.mtuBytes);
    assert.equal("local", must(routes.route(OURS)).kind);
  });

  it("says that there is no route, also for an interface that has none", () => {
    assert.matches("no route", problemOf(routes.route(FAR_AWAY)));
    assert.matches("no route", problemOf(routes.route(FAR_AWAY, linkNamed(pair.near).index)));
  });

  it("lists a neighbour and tells when it goes", () => {
    const follower = new Follower();
    shell(`ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev ${pair.near}`);
    const came = follower.await((event) => event.kind === "neighbour" && event.neighbour.address === NEIGHBOUR);
    assert.is_true(came.kind === "neighbour" && came.neighbour.isUsable);
    const found = must(routes.neighbours()).find((neighbour) => neighbour.address === NEIGHBOUR)!;
    assert.equal(9, found.hardwareAddress![5]);
    shell(`ip neigh del 192.0.2.9 dev ${pair.near}`);
    follower.await(
      (event) => event.kind === "neighbour gone" || (event.kind === "neighbour" && event.neighbour.hasFailed),
    );
    follower.close();
  });

  it("has the kernel look for a neighbour, and tells that none answered", () => {
    shell(`sysctl -q net.ipv4.neigh.${pair.near}.mcast_solicit=1 net.ipv4.neigh.${pair.near}.retrans_time_ms=50`);
    const follower = new Follower();
    must(follower.routes.resolve(linkNamed(pair.near).index, NEIGHBOUR));
    follower.await(
      (event) => event.kind === "neighbour" && event.neighbour.address === NEIGHBOUR && event.neighbour.hasFailed,
    );
    follower.close();
  });

  it("has the kernel look for a neighbour, and tells its hardware address", () => {
    const remote = new RemoteHost();
    remote.take(pair.far);
    remote.shell(`ip address add 192.0.2.9/24 dev ${pair.far}`);
    remote.shell(`ip link set ${pair.far} address 02:00:00:00:00:09 up`);
    const follower = new Follower();
    must(follower.routes.resolve(linkNamed(pair.near).index, NEIGHBOUR));
    const event = follower.await(
      (each) => each.kind === "neighbour" && each.neighbour.address === NEIGHBOUR && each.neighbour.isUsable,
    );
    assert.equal(9, event.kind === "neighbour" ? event.neighbour.hardwareAddress![5] : undefined);
    follower.close();
    remote.remove();
  });

  it("tells of links that go down, come back and go away", () => {
    const follower = new Follower();
    const name = pair.near;
    shell(`ip link set ${name} down`);
    follower.await((event) => event.kind === "link" && event.link.name === name && !event.link.isUp);
    shell(`ip link set ${name} up`);
    follower.await((event) => event.kind === "link" && event.link.name === name && event.link.isRunning);
    pair.remove();
    follower.await((event) => event.kind === "link gone" && event.link.name === name);
    follower.close();
  });

  it("tells of addresses and routes that come and go", () => {
    const follower = new Follower();
    shell(`ip address add 198.51.100.7/32 dev ${pair.near}`);
    follower.await((event) => event.kind === "address" && event.address.address === FAR_AWAY);
    shell(`ip route add 203.0.113.0/24 via 192.0.2.9`);
    follower.await((event) => event.kind === "route");
    shell(`ip address del 198.51.100.7/32 dev ${pair.near}`);
    follower.await((event) => event.kind === "address gone" && event.address.address === FAR_AWAY);
    follower.close();
  });

  it("says to ask again when changes were lost", () => {
    const follower = new Follower();
    shell(
      `i=0; while [ $i -lt 3000 ]; do echo "neigh replace 192.0.2.$((i % 200 + 10)) lladdr 02:00:00:00:00:0$((i % 7)) ` +
        `dev ${pair.near}"; i=$((i + 1)); done | ip -batch -`,
    );
    follower.await((event) => event.kind === "resynchronise");
    follower.close();
  });

  it("can be closed twice", () => {
    const follower = new Follower();
    follower.close();
    follower.close();
  });
});
