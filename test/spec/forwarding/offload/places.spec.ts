// SPDX-License-Identifier: GPL-2.0-only
// Which places are tried on an interface, and what speaks against some of them.

import { candidates, type Surroundings } from "../../../../src/forwarding/offload/places";
import { surroundings } from "../../../../src/forwarding/offload/surroundings";
import { linkNamed } from "../../system/network";

/** Nothing speaks against anything here. */
const FAVOURABLE: Surroundings = {
  takesRedirected: true,
  hasVlans: false,
  shaper: undefined,
  hasIngressQueueing: false,
  hasLoopback: true,
};

/** "place" or "place: objection", in the order in which they are tried. */
function tried(choice: Parameters<typeof candidates>[0], changes: Partial<Surroundings> = {}): string[] {
  const all = candidates(choice, { ...FAVOURABLE, ...changes });
  return all.map(({ place, objection }) => (objection === undefined ? place : `${place}: ${objection}`));
}

describe("a place for a program", () => {
  it("is the fastest first, down to tc", () => {
    assert.same(["native XDP", "generic XDP", "tcx", "tc clsact"], tried("auto"));
    assert.same(["native XDP", "generic XDP"], tried("xdp"));
    assert.same(["tcx"], tried("tcx"));
    assert.same(["tc clsact"], tried("tc"));
    assert.same([], tried("off"));
  });

  it("is not XDP where VLANs lie on the interface", () => {
    const why = "VLANs lie on it";
    const expected = [`native XDP: ${why}`, `generic XDP: ${why}`, "tcx", "tc clsact"];
    assert.same(expected, tried("auto", { hasVlans: true }));
  });

  it("is not XDP where the other side shapes its traffic", () => {
    const why = "it would pass the other side's cake by";
    const expected = [`native XDP: ${why}`, `generic XDP: ${why}`, "tcx", "tc clsact"];
    assert.same(expected, tried("auto", { shaper: "cake" }));
  });

  it("is nowhere where something queues what comes in", () => {
    const why = "tc's ingress is in use (SQM?)";
    const expected = ["native XDP", "generic XDP", "tcx", "tc clsact"].map((place) => `${place}: ${why}`);
    assert.same(expected, tried("auto", { hasIngressQueueing: true }));
  });

  it("is not the driver's XDP where the other side's driver takes no frames from it", () => {
    const first = "native XDP: the other side's driver takes no such frames";
    assert.same([first, "generic XDP", "tcx", "tc clsact"], tried("auto", { takesRedirected: false }));
  });

  it("is not tcx or tc where the loopback interface is down", () => {
    const expected = ["native XDP", "generic XDP", "tcx: lo is down", "tc clsact: lo is down"];
    assert.same(expected, tried("auto", { hasLoopback: false }));
    const loopback = linkNamed("lo");
    assert.is_true(surroundings(loopback, loopback, [loopback]).hasLoopback);
    assert.is_false(surroundings(loopback, loopback, [{ ...loopback, isUp: false }]).hasLoopback);
  });

  it("knows a VLAN by the interface that it lies on", () => {
    const loopback = linkNamed("lo");
    const vlan = { ...loopback, index: 99, name: "lo.7", vlanOf: loopback.index };
    assert.is_false(surroundings(loopback, loopback, [loopback]).hasVlans);
    assert.is_true(surroundings(loopback, loopback, [loopback, vlan]).hasVlans);
    assert.is_false(surroundings(vlan, loopback, [loopback, vlan]).hasVlans);
  });
});
