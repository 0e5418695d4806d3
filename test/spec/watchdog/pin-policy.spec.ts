// SPDX-License-Identifier: GPL-2.0-only
// The pins of a tunnel: that together they match just what the daemon's policy does, and can be told from it.

import type { Policy, Selector } from "../../../src/system/xfrm-message";
import { dataPins, halves, isPin, pingPin, templateOf, trafficOf } from "../../../src/watchdog/pin-policy";
import { address } from "../frame";
import { LOCAL, PEER } from "./fake-xfrm";
import { prefix } from "./prefix";

const PEERS = { local: LOCAL, peer: PEER, reqid: 16389 };
const TEMPLATE = templateOf({ peers: PEERS, outSpi: 0x11223344, mode: "tunnel", mark: undefined });

function selector(changes: Partial<Selector> = {}): Selector {
  return {
    source: prefix("10.0.1.1/32"),
    destination: prefix("10.99.0.0/24"),
    protocol: 0,
    sourcePort: { value: 0, mask: 0 },
    destinationPort: { value: 0, mask: 0 },
    ...changes,
  };
}

/** A policy as IKE daemons make them. */
function daemonPolicy(changes: Partial<Policy> = {}): Policy {
  return {
    selector: selector(),
    direction: "out",
    mark: undefined,
    interfaceId: 0,
    priority: 1757392,
    isBlocking: false,
    templates: [{ ...TEMPLATE, spi: 0 }],
    hardLifetimeSeconds: Infinity,
    ...changes,
  };
}

/** Whether a selector matches, as the kernel decides it (xfrm_selector_match). */
function isMatch(each: Selector, source: number, destination: number, sourcePort: number, port: number): boolean {
  const isInside = (prefix: Selector["source"], word: number) =>
    prefix.lengthBits === 0 || (prefix.network ^ word) >> (32 - prefix.lengthBits) === 0;
  const isPort = (match: Selector["sourcePort"], value: number) => ((match.value ^ value) & match.mask) === 0;
  return (
    isInside(each.source, source) &&
    isInside(each.destination, destination) &&
    isPort(each.sourcePort, sourcePort) &&
    isPort(each.destinationPort, port)
  );
}

describe("the halves of a selector", () => {
  const exactPort = { value: 80, mask: 0xffff };
  const samples: [string, Selector][] = [
    ["any ports", selector()],
    ["one destination port", selector({ destinationPort: exactPort })],
    ["one port at both ends", selector({ sourcePort: exactPort, destinationPort: exactPort })],
    [
      "one destination and one port at both ends",
      selector({
        sourcePort: exactPort,
        destinationPort: exactPort,
        source: prefix("0.0.0.0/0"),
        destination: prefix("10.99.0.1/32"),
      }),
    ],
  ];
  for (const [what, whole] of samples) {
    it(`match each packet of it once, with ${what}`, () => {
      const parts = halves(whole);
      assert.equal(2, parts.length);
      for (const port of [0, 80, 0x7fff, 0x8000, 0xffff]) {
        for (const last of [0, 1, 127, 128, 255]) {
          const [source, destination] = [address("10.0.1.1"), address(`10.99.0.${last}`)];
          const matches = parts.filter((part) => isMatch(part, source, destination, 80, port)).length;
          const isWhole = isMatch(whole, source, destination, 80, port);
          assert.equal(isWhole ? 1 : 0, matches, `port ${port}, address ${last}`);
        }
      }
    });
  }

  it("are none when it matches a single connection", () => {
    const destination = prefix("10.99.0.1/32");
    assert.equal(0, halves(selector({ sourcePort: exactPort, destinationPort: exactPort, destination })).length);
  });

  it("of the upper half of all addresses are right", () => {
    const whole = selector({
      sourcePort: exactPort,
      destinationPort: exactPort,
      destination: prefix("0.0.0.0/0"),
    });
    assert.same(
      [prefix("0.0.0.0/1"), prefix("128.0.0.0/1")],
      halves(whole).map((half) => half.destination),
    );
  });
});

describe("pins", () => {
  const traffic = { selectors: [selector()], mark: { value: 1, mask: 3 }, interfaceId: 9 };
  const ping = { source: address("10.0.1.1"), target: address("10.99.0.1") };
  const tunnel = { name: "t", traffic, ping };

  it("carry the mark and interface of the traffic, and end by themselves", () => {
    const pins = dataPins(tunnel, TEMPLATE, 12);
    assert.equal(2, pins.length);
    for (const pin of pins) {
      assert.same(traffic.mark, pin.mark!);
      assert.equal(9, pin.interfaceId);
      assert.equal(12, pin.hardLifetimeSeconds);
      assert.same([TEMPLATE], pin.templates);
    }
  });

  it("of pings come before those of data, and those before the daemon's", () => {
    const pinOfPings = pingPin(tunnel, TEMPLATE, 12)!;
    const [pinOfData] = dataPins(tunnel, TEMPLATE, 12);
    assert.is_true(pinOfPings.priority < pinOfData.priority);
    assert.is_true(pinOfData.priority < daemonPolicy().priority);
    assert.equal(1, pinOfPings.selector.protocol);
  });

  it("are told from an IKE daemon's policies", () => {
    const [pin] = dataPins(tunnel, TEMPLATE, 12);
    assert.is_true(isPin(pin));
    assert.is_false(isPin(daemonPolicy()));
    assert.is_false(isPin(daemonPolicy({ priority: 1000 })));
    assert.is_false(isPin({ ...pin, direction: "in" }));
    assert.is_false(isPin({ ...pin, hardLifetimeSeconds: Infinity }));
  });
});

describe("a tunnel's traffic", () => {
  it("is what the IKE daemon's policies for these peers say, without the pins", () => {
    const second = selector({ destination: prefix("10.98.0.0/24") });
    const tunnel = {
      name: "t",
      traffic: { selectors: [selector()], mark: undefined, interfaceId: 0 },
      ping: undefined,
    };
    const policies = [
      ...dataPins(tunnel, TEMPLATE, 12),
      daemonPolicy(),
      daemonPolicy({ selector: second }),
      daemonPolicy({ direction: "in", selector: selector({ protocol: 6 }) }),
      daemonPolicy({ templates: [{ ...TEMPLATE, spi: 0, reqid: 7 }], selector: selector({ protocol: 17 }) }),
    ];
    assert.same([selector(), second], trafficOf(policies, PEERS)!.selectors);
    assert.is_nil(trafficOf(policies, { ...PEERS, reqid: 8 }));
  });
});
