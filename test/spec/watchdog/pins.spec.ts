// SPDX-License-Identifier: GPL-2.0-only
// Pins on a kernel that is a list. What a real one makes of them is shown in the lab.

import type { Policy } from "../../../src/system/xfrm-message";
import type { PinnedTunnel, PinTarget } from "../../../src/watchdog/pin-policy";
import { type PinPlacement, Pins } from "../../../src/watchdog/pins";
import { isPlaceholder } from "../../../src/watchdog/placeholder";
import { address } from "../frame";
import { FakeXfrm, LOCAL, outgoing, PEER } from "./fake-xfrm";
import { prefix } from "./prefix";

const ANY_PORT = { value: 0, mask: 0 };

function tunnel(name: string, destination: string): PinnedTunnel {
  const selector = {
    source: prefix("10.0.1.1/32"),
    destination: prefix(destination),
    protocol: 0,
    sourcePort: ANY_PORT,
    destinationPort: ANY_PORT,
  };
  const ping = { source: address("10.0.1.1"), target: prefix(destination).network };
  return { name, traffic: { selectors: [selector], mark: undefined, interfaceId: 0 }, ping };
}

const TUNNEL = tunnel("office", "10.99.0.0/24");
const OTHER = tunnel("branch", "10.98.0.0/24");
const HOLD: PinPlacement = { data: "hold", ping: undefined };

function epoch(outSpi: number): PinTarget {
  return { peers: { local: LOCAL, peer: PEER, reqid: 16389 }, outSpi, mode: "tunnel", mark: undefined };
}

describe("pins", () => {
  let xfrm: FakeXfrm;
  let pins: Pins;

  before_each(() => {
    xfrm = new FakeXfrm();
    xfrm.states = [outgoing(1), outgoing(2)];
    pins = new Pins(xfrm);
  });

  /** Where packets go: the SPIs of the data pins, then of the ping pin; "hold" for a placeholder that is there. */
  function placed(): string {
    const ordered = [...xfrm.installed].sort((a, b) => b.priority - a.priority);
    return ordered.map((policy) => spiOf(policy)).join(" ");
  }

  function spiOf({ templates: [template] }: Policy): string {
    if (!isPlaceholder(template)) return `${template.spi}`;
    return xfrm.states.some(({ spi, isLarval }) => isLarval && spi === template.spi) ? "hold" : "LOST";
  }

  function place(placement: PinPlacement, nowMs = 0, which = TUNNEL): string | undefined {
    const [, problem] = pins.place(which, placement, nowMs);
    return problem;
  }

  function takeChanges(): string {
    const text = xfrm.changes.join(", ");
    xfrm.changes = [];
    return text;
  }

  it("hold data on a placeholder that is there first", () => {
    place(HOLD);
    assert.equal("hold hold", placed());
    assert.equal("allocate, add, add", takeChanges());
  });

  it("put data and pings on epochs of their own", () => {
    place({ data: epoch(1), ping: epoch(2) });
    assert.equal("1 1 2", placed());
  });

  it("move data by an update, and take the placeholder away after it", () => {
    place(HOLD);
    takeChanges();
    place({ data: epoch(1), ping: undefined }, 10);
    assert.equal("1 1", placed());
    assert.equal("update, update, remove sa", takeChanges());
  });

  it("take the ping's pin away when nothing is pinged", () => {
    place({ data: epoch(1), ping: epoch(2) });
    place({ data: epoch(1), ping: undefined }, 10);
    assert.equal("1 1", placed());
  });

  it("change nothing that is as wanted", () => {
    place({ data: epoch(1), ping: epoch(2) });
    takeChanges();
    place({ data: epoch(1), ping: epoch(2) }, 10);
    pins.tick(1000);
    assert.equal("", takeChanges());
  });

  it("are leases that are renewed in time", () => {
    place({ data: epoch(1), ping: epoch(2) });
    for (const policy of xfrm.installed) assert.equal(12, policy.hardLifetimeSeconds);
    takeChanges();
    pins.tick(4000);
    assert.equal("update, update, update", takeChanges());
    pins.tick(4500);
    assert.equal("", takeChanges());
  });

  it("move to another placeholder before the old one ends", () => {
    place(HOLD);
    const first = xfrm.installed[0].templates[0].spi;
    for (const nowMs of $range(1000, 20000, 1000)) pins.tick(nowMs);
    assert.equal("hold hold", placed());
    assert.not_equal(first, xfrm.installed[0].templates[0].spi);
    assert.equal(1, xfrm.states.filter(({ isLarval }) => isLarval).length);
  });

  it("of several tunnels share a placeholder", () => {
    place(HOLD);
    place(HOLD, 0, OTHER);
    assert.equal(1, xfrm.states.filter(({ isLarval }) => isLarval).length);
    place({ data: epoch(1), ping: undefined }, 10);
    assert.equal(
      "1 1 hold hold",
      [...xfrm.installed]
        .map((policy) => spiOf(policy))
        .sort()
        .join(" "),
    );
  });

  it("hold data the moment its SA goes", () => {
    place({ data: epoch(1), ping: epoch(2) });
    xfrm.states = [outgoing(2)];
    pins.handle({ kind: "sa gone", id: outgoing(1) }, 10);
    assert.equal("hold hold 2", placed());
    // The state machine has not heard yet.
    place({ data: epoch(1), ping: epoch(2) }, 20);
    assert.equal("hold hold 2", placed());
  });

  it("are never put on an SA that is not there", () => {
    place({ data: epoch(7), ping: epoch(8) });
    assert.equal("hold hold", placed());
  });

  it("are put back when somebody removes them, and the queue counts as lost", () => {
    place(HOLD);
    const [policy] = xfrm.installed;
    xfrm.removePolicy(policy);
    pins.handle({ kind: "policy gone", id: policy }, 10);
    assert.equal("hold hold", placed());
    assert.equal(1, pins.countsOf("office")!.lostQueues);
  });

  it("are put back after all policies, and all SAs, were flushed", () => {
    place({ data: epoch(1), ping: epoch(2) });
    xfrm.installed = [];
    pins.handle({ kind: "policies flushed" }, 10);
    assert.equal("1 1 2", placed());
    xfrm.states = [];
    pins.handle({ kind: "sas flushed" }, 20);
    assert.equal("hold hold", placed());
  });

  it("stay on SAs that a flush has spared", () => {
    place({ data: epoch(1), ping: epoch(2) });
    pins.handle({ kind: "sas flushed" }, 20);
    assert.equal("1 1 2", placed());
  });

  it("are made true again after events were lost", () => {
    place({ data: epoch(1), ping: undefined });
    xfrm.installed = xfrm.installed.slice(1);
    xfrm.states = [outgoing(2)];
    pins.handle({ kind: "resynchronise" }, 10);
    assert.equal("hold hold", placed());
  });

  it("that are found are adopted, and what is not wanted of them goes", () => {
    place({ data: epoch(1), ping: epoch(2) });
    const successor = new Pins(xfrm);
    successor.handle({ kind: "resynchronise" }, 1000);
    takeChanges();
    successor.place(TUNNEL, { data: epoch(1), ping: undefined }, 1000);
    assert.equal("1 1", placed());
    assert.equal("remove, update, update", takeChanges());
  });

  it("that appear in between are taken over", () => {
    place({ data: epoch(1), ping: undefined });
    const successor = new Pins(xfrm);
    successor.place(TUNNEL, { data: epoch(2), ping: undefined }, 1000);
    assert.equal("2 2", placed());
  });

  it("do not replace another program's policy, and say so", () => {
    place({ data: epoch(1), ping: undefined });
    const [foreign] = xfrm.installed;
    xfrm.installed = [{ ...foreign, priority: 5000, hardLifetimeSeconds: Infinity }];
    const successor = new Pins(xfrm);
    const [, problem] = successor.place(TUNNEL, { data: epoch(2), ping: undefined }, 1000);
    assert.matches("office: another program has a policy", problem!);
    assert.equal(5000, xfrm.installed[0].priority);
  });

  it("are tried again when the kernel refused them", () => {
    xfrm.problem = "no memory";
    assert.matches("no memory", place(HOLD)!);
    assert.matches("no memory", pins.problemOf("office")!);
    xfrm.problem = undefined;
    pins.tick(100);
    assert.equal("hold hold", placed());
    assert.is_nil(pins.problemOf("office"));
  });

  it("go with their tunnel, and others stay", () => {
    place({ data: epoch(1), ping: epoch(2) });
    place({ data: epoch(2), ping: undefined }, 0, OTHER);
    pins.withdraw("office");
    assert.equal("2 2", placed());
    pins.close();
    assert.equal("", placed());
  });

  it("leave no placeholder behind", () => {
    place(HOLD);
    pins.close();
    assert.equal(0, xfrm.states.filter(({ isLarval }) => isLarval).length);
  });

  it("count what was held, and for how long", () => {
    place(HOLD, 1000);
    assert.equal(1000, pins.countsOf("office")!.heldSinceMs);
    xfrm.states = [outgoing(1, { packets: 3 })];
    place({ data: epoch(1), ping: undefined }, 1500);
    xfrm.states = [outgoing(1, { packets: 13 })];
    pins.tick(1510);
    assert.equal(0, pins.countsOf("office")!.released);
    pins.tick(1520);
    const counts = pins.countsOf("office")!;
    assert.equal(10, counts.released);
    assert.equal(1, counts.holds);
    assert.equal(500, counts.heldMs);
    assert.equal(500, counts.longestMs);
    assert.is_nil(counts.heldSinceMs);
  });
});
