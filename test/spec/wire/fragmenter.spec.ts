// SPDX-License-Identifier: GPL-2.0-only
// Cutting datagrams: what comes out fits the link, has right headers, and joins to what went in.

import { Fragmenter } from "../../../src/wire/fragmenter";
import { Ipv4View } from "../../../src/wire/ipv4";
import {
  bufferOf,
  counting,
  esp,
  fragmentsOf,
  hex,
  ipv4,
  join,
  newBuffer,
  Octets,
  octetsOf,
  raw,
  wrongChecksums,
} from "../frame";
import { Random } from "../random";

/** An odd place in the buffer, and what stands around a fragment: nothing else may be written. */
const AT = 1;
const UNTOUCHED = 0xaa;
const into = newBuffer(AT + 1500);
const fragmenter = new Fragmenter();

/** All fragments of a packet, each checked to fit, to be well-formed and to have a right header checksum. */
function cut(octets: Octets, mtuBytes: number): Octets[] {
  const original = new Ipv4View();
  const view = new Ipv4View();
  const fragments: Octets[] = [];
  assert.is_nil(original.attach(bufferOf(octets), 0, octets.length));
  assert.is_nil(fragmenter.start(original, mtuBytes));
  for (const _ of $range(1, 200)) {
    for (const index of $range(0, AT + mtuBytes)) into[index] = UNTOUCHED;
    const lengthBytes = fragmenter.next(into, AT);
    if (lengthBytes === 0) return fragments;
    assert.same([UNTOUCHED, UNTOUCHED], [into[AT - 1], into[AT + lengthBytes]]);
    const fragment = octetsOf(into, AT, lengthBytes);
    assert.is_true(lengthBytes <= mtuBytes);
    assert.is_nil(view.attach(bufferOf(fragment), 0, lengthBytes));
    assert.same([], wrongChecksums(fragment));
    fragments.push(fragment);
  }
  error("the fragmenter does not come to an end");
}

/** The payload that the fragments make, each put where its header says. */
function joined(fragments: Octets[]): Octets {
  const view = new Ipv4View();
  const payload: Octets = [];
  for (const fragment of fragments) {
    assert.is_nil(view.attach(bufferOf(fragment), 0, fragment.length));
    assert.equal(payload.length, view.fragmentOffsetBytes());
    for (const octet of fragment.slice(view.headerBytes)) payload.push(octet);
  }
  return payload;
}

describe("the fragmenter", () => {
  const packet = ipv4({
    from: "192.168.1.2",
    to: "203.0.113.1",
    carrying: esp({ spi: 0x1000, payload: counting(1400) }),
  });

  it("cuts as the RFC describes", () => {
    assert.same(fragmentsOf(packet, 552), cut(packet, 576));
  });

  it("leaves a packet whole that fits", () => {
    assert.same([packet], cut(packet, packet.length));
    const odd = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, counting(13)) });
    assert.same([odd], cut(odd, odd.length));
  });

  it("cuts so that any payload joins again at any MTU", () => {
    const random = new Random(815);
    for (const _ of $range(1, 40)) {
      const carrying = raw(50, random.octets(1 + random.below(600)));
      const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying });
      assert.same(octets.slice(20), joined(cut(octets, 28 + random.below(300))));
    }
  });

  it("cuts a fragment again and keeps its place", () => {
    const carrying = raw(50, counting(64));
    const middle = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying, moreFragments: true, fragmentOffsetBytes: 80 });
    const fragments = cut(middle, 20 + 40);
    const view = new Ipv4View();
    const places: string[] = [];
    for (const fragment of fragments) {
      assert.is_nil(view.attach(bufferOf(fragment), 0, fragment.length));
      places.push(`${view.fragmentOffsetBytes()} ${view.payloadBytes} ${view.moreFragments()}`);
    }
    assert.same(["80 40 true", "120 24 true"], places);
  });

  it("copies to later fragments only the options that say so", () => {
    const routerAlert = hex("94 04 00 00");
    const recordRoute = hex("07 07 04 00 00 00 00");
    const noOperation = hex("01");
    const security = hex("82 03 aa");
    const options = join(recordRoute, noOperation, routerAlert, security);
    const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, counting(100)), options });
    const fragments = cut(octets, 36 + 48);
    assert.same(join(options, hex("00")), fragments[0].slice(20, 36));
    assert.same(join(routerAlert, security, hex("00")), fragments[1].slice(20, 28));
    assert.same(counting(100), joined(fragments));
  });

  it("copies an option that ends with the header", () => {
    const options = hex("01 01 82 02");
    const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, counting(40)), options });
    assert.same(hex("82 02 00 00"), cut(octets, 24 + 16)[1].slice(20, 24));
  });

  it("keeps the don't-fragment bit, which the caller chose to overrule", () => {
    const carrying = raw(50, counting(24));
    const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying, dontFragment: true });
    assert.same([0x60, 0x40], [cut(octets, 36)[0][6], cut(octets, 36)[1][6]]);
  });

  it("copies nothing of an option list from where it is malformed", () => {
    for (const options of [hex("94 00 00 00"), hex("94 01 00 00"), hex("94 05 00 00"), hex("01 01 01 94")]) {
      const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, counting(40)), options });
      const fragments = cut(octets, 24 + 16);
      assert.equal(0x45, fragments[1][0]);
      assert.same(counting(40), joined(fragments));
    }
  });

  it("refuses an MTU without room for 8 bytes of payload, and then gives nothing", () => {
    const original = new Ipv4View();
    assert.is_nil(original.attach(bufferOf(packet), 0, packet.length));
    assert.equal("fragmenter-mtu-too-small", fragmenter.start(original, 27));
    assert.equal(0, fragmenter.next(into, AT));
    assert.is_nil(fragmenter.start(original, 28));
  });
});
