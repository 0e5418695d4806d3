// SPDX-License-Identifier: GPL-2.0-only
// The IPv4 view: what it refuses and by which name, what it reads, and headers that stay right while it writes.

import { Ipv4Fault, Ipv4View } from "../../../src/wire/ipv4";
import {
  address,
  bufferOf,
  counting,
  esp,
  hex,
  ipv4,
  newBuffer,
  Octets,
  octetsOf,
  putOctets,
  raw,
  wrongChecksums,
} from "../frame";
import { Random } from "../random";

const ROUTER = "198.51.100.7";
const plain = ipv4({ from: "192.168.1.2", to: "203.0.113.1", carrying: esp({ spi: 0x1000 }) });

function faultOf(octets: Octets, availableBytes = octets.length): Ipv4Fault | undefined {
  return new Ipv4View().attach(bufferOf(octets), 0, availableBytes);
}

/** The packet with one octet changed and the header checksum as it was. */
function damaged(at: number, octet: number): Octets {
  const octets = plain.slice();
  octets[at] = octet;
  return octets;
}

describe("an IPv4 packet", () => {
  it("is read field by field", () => {
    const view = new Ipv4View();
    const octets = hex("4500 0073 1234 4000 4011 a62d c0a8 0001 c0a8 00c7");
    while (octets.length < 0x73) octets.push(0);
    assert.is_nil(view.attach(bufferOf(octets), 0, octets.length));
    assert.equal(20, view.headerBytes);
    assert.equal(0x73, view.totalBytes);
    assert.equal(20, view.payloadAt);
    assert.equal(0x73 - 20, view.payloadBytes);
    assert.equal(0x1234, view.identification());
    assert.is_true(view.dontFragment());
    assert.is_false(view.isFragment());
    assert.equal(64, view.timeToLive());
    assert.equal(17, view.protocol());
    assert.equal(0xa62d, view.headerChecksum());
    assert.equal(address("192.168.0.1"), view.source());
    assert.equal(address("192.168.0.199"), view.destination());
    assert.equal(0, view.typeOfService());
    assert.is_false(view.hasOptions());
  });

  it("shows its type of service", () => {
    const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, []), typeOfService: 0xb8 });
    const view = new Ipv4View();
    assert.is_nil(view.attach(bufferOf(octets), 0, octets.length));
    assert.equal(0xb8, view.typeOfService());
  });

  it("is taken where it lies in the frame, without the padding behind it", () => {
    const bytes = newBuffer(14 + plain.length + 9);
    putOctets(plain, bytes, 14);
    const view = new Ipv4View();
    assert.is_nil(view.attach(bytes, 14, plain.length + 9));
    assert.equal(34, view.payloadAt);
    assert.equal(plain.length - 20, view.payloadBytes);
  });

  it("may have options, which are not payload", () => {
    const options = hex("94 04 00 00");
    const octets = ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, counting(8)), options });
    const view = new Ipv4View();
    assert.is_nil(view.attach(bufferOf(octets), 0, octets.length));
    assert.is_true(view.hasOptions());
    assert.equal(24, view.headerBytes);
    assert.equal(8, view.payloadBytes);
    view.setSource(address(ROUTER));
    assert.same([], wrongChecksums(octetsOf(view.frame, 0, octets.length)));
  });

  it("is refused by name when it is not well-formed", () => {
    assert.equal("ipv4-truncated", faultOf([]));
    assert.equal("ipv4-truncated", faultOf(plain, 19));
    assert.equal("ipv4-truncated", faultOf(plain, plain.length - 1));
    assert.equal("ipv4-bad-version", faultOf(damaged(0, 0x65)));
    assert.equal("ipv4-header-length", faultOf(damaged(0, 0x44)));
    assert.equal("ipv4-header-length", faultOf(damaged(0, 0x4f), 59));
    assert.equal("ipv4-total-length", faultOf(damaged(3, 19)));
    assert.equal("ipv4-bad-checksum", faultOf(damaged(8, 63)));
  });

  it("of zero payload is well-formed", () => {
    assert.is_nil(faultOf(ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: raw(50, []) })));
  });
});

describe("an IPv4 fragment", () => {
  const fragment = (moreFragments: boolean, fragmentOffsetBytes: number, payloadBytes: number): Octets => {
    const carrying = raw(50, counting(payloadBytes));
    return ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying, moreFragments, fragmentOffsetBytes });
  };

  it("is the first, a middle or the last one", () => {
    const view = new Ipv4View();
    assert.is_nil(view.attach(bufferOf(fragment(true, 0, 16)), 0, 36));
    assert.is_true(view.isFragment());
    assert.is_true(view.isFirstFragment());
    assert.is_nil(view.attach(bufferOf(fragment(true, 16, 16)), 0, 36));
    assert.is_true(view.isFragment());
    assert.is_false(view.isFirstFragment());
    assert.equal(16, view.fragmentOffsetBytes());
    assert.is_nil(view.attach(bufferOf(fragment(false, 32, 5)), 0, 25));
    assert.is_true(view.isFragment());
    assert.is_false(view.isFirstFragment());
    assert.is_false(view.moreFragments());
    assert.equal(32, view.fragmentOffsetBytes());
  });

  it("is refused when others could not follow it without a gap", () => {
    assert.equal("ipv4-fragment-length", faultOf(fragment(true, 0, 15)));
  });

  it("is refused when it ends beyond the largest datagram", () => {
    assert.is_nil(faultOf(fragment(false, 65512, 3)));
    assert.equal("ipv4-fragment-length", faultOf(fragment(false, 65512, 4)));
  });
});

describe("rewriting an IPv4 header", () => {
  let bytes = bufferOf(plain);
  const view = new Ipv4View();

  before_each(() => {
    bytes = bufferOf(plain);
    assert.is_nil(view.attach(bytes, 0, plain.length));
  });

  after_each(() => {
    assert.same([], wrongChecksums(octetsOf(bytes, 0, plain.length)));
  });

  it("changes the source and nothing else", () => {
    view.setSource(address(ROUTER));
    assert.equal(address(ROUTER), view.source());
    const expected = ipv4({ from: ROUTER, to: "203.0.113.1", carrying: esp({ spi: 0x1000 }) });
    assert.same(expected, octetsOf(bytes, 0, plain.length));
  });

  it("changes the destination", () => {
    view.setDestination(address("255.255.255.254"));
    assert.equal(address("255.255.255.254"), view.destination());
  });

  it("changes the identification", () => {
    view.setIdentification(0xfedc);
    assert.equal(0xfedc, view.identification());
  });

  it("takes hops away one by one and stops at 0", () => {
    for (const _ of $range(1, 70)) view.decrementTimeToLive();
    assert.equal(0, view.timeToLive());
    assert.equal(50, view.protocol());
  });

  it("keeps damage that was there before visible", () => {
    bytes[4] = bytes[4] + 1;
    view.setSource(address(ROUTER));
    assert.same(["IPv4 header"], wrongChecksums(octetsOf(bytes, 0, plain.length)));
    view.recomputeHeaderChecksum();
  });

  it("leaves right checksums after any run of changes", () => {
    const random = new Random(791);
    for (const _ of $range(1, 200)) {
      view.setSource(random.word());
      view.setDestination(random.word());
      view.setIdentification(random.below(0x10000));
      assert.same([], wrongChecksums(octetsOf(bytes, 0, plain.length)));
    }
  });
});
