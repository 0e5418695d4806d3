// SPDX-License-Identifier: GPL-2.0-only
// Netlink messages as bytes: what they tell, and that no bytes at all lead a reader past their end.

import { isLittleEndian } from "../../../src/system/ffi";
import { Attributes, NetlinkRequest, readMessages } from "../../../src/system/netlink";
import { readEvent, readLink, readNeighbour, readRoute } from "../../../src/system/rtnetlink";
import { type Octets, tableBufferOf } from "../frame";
import { Random } from "../random";

function native16(value: number): Octets {
  const low = value & 0xff;
  const high = (value >> 8) & 0xff;
  return isLittleEndian ? [low, high] : [high, low];
}

function native32(value: number): Octets {
  const low = native16(value & 0xffff);
  const high = native16((value >> 16) & 0xffff);
  return isLittleEndian ? [...low, ...high] : [...high, ...low];
}

function attribute(type: number, value: Octets): Octets {
  const padding: Octets = [];
  while (((value.length + padding.length) & 3) !== 0) padding.push(0);
  return [...native16(4 + value.length), ...native16(type), ...value, ...padding];
}

function message(type: number, payload: Octets): Octets {
  return [
    ...native32(16 + payload.length),
    ...native16(type),
    ...native16(0),
    ...native32(7),
    ...native32(0),
    ...payload,
  ];
}

function octetsOfText(text: string): Octets {
  const octets: Octets = [];
  for (const index of $range(1, string.len(text))) octets.push(string.byte(text, index));
  return octets;
}

/** Index 3, up and running, "lan". */
function linkMessage(family = 0): Octets {
  const body = [family, 0, ...native16(1), ...native32(3), ...native32(0x41), ...native32(0)];
  const name = attribute(3, [...octetsOfText("lan"), 0]);
  const mac = attribute(1, [2, 0, 0, 0, 0, 7]);
  return message(16, [...body, ...name, ...mac, ...attribute(4, native32(1492))]);
}

function neighbourMessage(): Octets {
  const body = [2, 0, ...native16(0), ...native32(3), ...native16(0x02), 0, 1];
  return message(28, [...body, ...attribute(1, [192, 0, 2, 9]), ...attribute(2, [2, 0, 0, 0, 0, 9])]);
}

function routeMessage(): Octets {
  const body = [2, 32, 0, 0, 254, 0, 0, 1, ...native32(0)];
  const metrics = attribute(8, attribute(2, native32(1400)));
  return message(24, [...body, ...attribute(4, native32(3)), ...attribute(5, [192, 0, 2, 1]), ...metrics]);
}

describe("netlink messages", () => {
  it("tell of a link", () => {
    const octets = linkMessage();
    const bytes = tableBufferOf(octets);
    const link = readLink(bytes, readMessages(bytes, octets.length)[0])!;
    assert.equal("lan", link.name);
    assert.equal(3, link.index);
    assert.is_true(link.isUp);
    assert.is_true(link.isRunning);
    assert.equal(1492, link.mtuBytes);
    assert.equal(7, link.hardwareAddress![5]);
  });

  it("about a bridge's port do not make the port's link go", () => {
    const octets = linkMessage(7);
    const bytes = tableBufferOf(octets);
    assert.is_nil(readEvent(bytes, { ...readMessages(bytes, octets.length)[0], type: 17 }));
  });

  it("tell of a neighbour", () => {
    const octets = neighbourMessage();
    const bytes = tableBufferOf(octets);
    const neighbour = readNeighbour(bytes, readMessages(bytes, octets.length)[0])!;
    assert.equal(0xc0000209 - 0x100000000, neighbour.address);
    assert.is_true(neighbour.isUsable);
    assert.is_false(neighbour.hasFailed);
    assert.equal(9, neighbour.hardwareAddress![5]);
  });

  it("tell of a route with its gateway and MTU", () => {
    const octets = routeMessage();
    const bytes = tableBufferOf(octets);
    const route = readRoute(bytes, readMessages(bytes, octets.length)[0])!;
    assert.equal("unicast", route.kind);
    assert.equal(3, route.interfaceIndex);
    assert.equal(0xc0000201 - 0x100000000, route.gateway);
    assert.equal(1400, route.mtuBytes);
    assert.is_nil(route.preferredSource);
  });

  it("come several in one datagram, and one that is cut short ends it", () => {
    const octets = [...linkMessage(), ...neighbourMessage()];
    const bytes = tableBufferOf(octets);
    assert.equal(2, readMessages(bytes, octets.length).length);
    assert.equal(1, readMessages(bytes, octets.length - 1).length);
    assert.equal(0, readMessages(bytes, 15).length);
  });

  it("with a length of zero end the reading", () => {
    const bytes = tableBufferOf([...native32(0), ...native32(0), ...native32(0), ...native32(0), ...linkMessage()]);
    assert.equal(0, readMessages(bytes, 16 + linkMessage().length).length);
  });

  it("that are cut anywhere, or have any byte changed, are read without passing their end", () => {
    const random = new Random(20260801);
    for (const original of [linkMessage(), neighbourMessage(), routeMessage()]) {
      for (const _ of $range(1, 2000)) {
        const octets = original.slice(0, random.below(original.length + 1));
        if (octets.length > 0) octets[random.below(octets.length)] = random.below(256);
        // Beyond the end of this buffer there is nil, on which arithmetic throws.
        const bytes = tableBufferOf(octets);
        for (const each of readMessages(bytes, octets.length)) {
          for (const type of [16, 17, 20, 24, 28, each.type]) readEvent(bytes, { ...each, type });
        }
      }
    }
  });

  it("written by a request are read back", () => {
    const text = new NetlinkRequest(30, 1).number8(2).number8(0).number16(5).attributeAddress(1, 0x0a000001).encode(9);
    const bytes = tableBufferOf(octetsOfText(text));
    const [read] = readMessages(bytes, string.len(text));
    assert.equal(30, read.type);
    assert.equal(9, read.sequence);
    assert.equal(string.len(text), read.end);
    assert.equal(0x0a000001, new Attributes(bytes, read.at + 4, read.end).address(1));
  });
});
