// SPDX-License-Identifier: GPL-2.0-only
// Any bytes at all give a value or a named reason, never an error and never a look beyond the packet.
//
// Buffers are Lua tables that end with the packet on every Lua: a byte behind the end is nil, on which arithmetic throws.

import { WIRE_FAULTS } from "../../../src/wire/fault";
import { Ipv4View } from "../../../src/wire/ipv4";
import { newTableBuffer, Octets, octetsOf, putOctets, tableBufferOf } from "../frame";
import { Random } from "../random";
import { EveryView } from "./every-view";
import { repairPacket } from "./repair";
import { SAMPLE_PACKETS } from "./sample-packets";

/** How often each attach took what it was given: to see that the random bytes reach behind the checks. */
let taken: Record<string, number> = {};

const ip = new Ipv4View();
const views = new EveryView(newTableBuffer(1500), (what, fault) => {
  if (fault === undefined) taken[what] = (taken[what] ?? 0) + 1;
});

/** A copy with one to three bytes changed, sometimes with its end cut off. */
function mutated(octets: Octets, random: Random): Octets {
  const changed = octets.slice(0, random.below(4) === 0 ? random.below(octets.length) : octets.length);
  for (const _ of $range(0, random.below(3))) {
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
  }
  const bytes = tableBufferOf(changed);
  repairPacket(bytes, changed.length);
  return octetsOf(bytes, 0, changed.length);
}

describe("any bytes at all", () => {
  before_each(() => {
    taken = {};
  });

  it("give a value or a named reason when they are random", () => {
    const random = new Random(4303);
    for (const _ of $range(1, 3000)) {
      const octets = random.octets(random.below(80));
      const at = random.below(3);
      const bytes = newTableBuffer(at + octets.length);
      putOctets(octets, bytes, at);
      views.asFrame(bytes, at, octets.length);
      views.asTransport(bytes, at, octets.length, random.below(2) === 0, random);
      views.asPacket(bytes, at, octets.length, random);
    }
    for (const what of ["ethernet", "esp", "udp", "tcp", "icmp"]) assert.is_true((taken[what] ?? 0) > 100, what);
  });

  it("give a value or a named reason when they were a packet", () => {
    const random = new Random(7296);
    for (const _ of $range(1, 300)) {
      for (const seed of SAMPLE_PACKETS) {
        const octets = mutated(seed, random);
        views.asPacket(tableBufferOf(octets), 0, octets.length, random);
      }
    }
    for (const what of ["ipv4", "esp", "udp", "tcp", "icmp", "icmp error", "isakmp in udp"]) {
      assert.is_true((taken[what] ?? 0) > 100, what);
    }
  });

  it("are refused as a packet wherever its end is cut off", () => {
    const random = new Random(3948);
    for (const seed of SAMPLE_PACKETS) {
      for (const lengthBytes of $range(0, seed.length)) {
        const bytes = tableBufferOf(seed.slice(0, lengthBytes));
        assert.equal(lengthBytes === seed.length, ip.attach(bytes, 0, lengthBytes) === undefined);
        if (lengthBytes > 20) views.asTransport(bytes, 20, lengthBytes - 20, true, random);
      }
    }
  });
});

describe("every fault", () => {
  it("has a line for people that fits a screen beside its name", () => {
    let count = 0;
    for (const [name, explanation] of pairs(WIRE_FAULTS)) {
      count += 1;
      const lengthBytes = string.len(explanation);
      assert.is_true(lengthBytes >= 20 && lengthBytes <= 66, name);
      assert.matches("^%l+4?%-[%l%-]+$", name);
    }
    assert.is_true(count > 20);
  });
});
