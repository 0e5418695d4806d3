// SPDX-License-Identifier: GPL-2.0-only
// The UDP view: lengths, ports, and a checksum that follows ports and addresses, in first fragments too.

import { Ipv4View } from "../../../src/wire/ipv4";
import { UdpFault, UdpView } from "../../../src/wire/udp";
import { address, bufferOf, Checksumming, counting, hex, ipv4, Octets, octetsOf, udp, wrongChecksums } from "../frame";
import { Random } from "../random";

const CLIENT = "192.168.1.2";
const SERVER = "203.0.113.1";
const ROUTER = "198.51.100.7";

function packet(payload: Octets, checksum: Checksumming = "right"): Octets {
  return ipv4({ from: CLIENT, to: SERVER, carrying: udp({ fromPort: 40000, toPort: 53, payload, checksum }) });
}

const ip = new Ipv4View();
const view = new UdpView();

/** Attaches both views to a new buffer. */
function attach(octets: Octets): void {
  assert.is_nil(ip.attach(bufferOf(octets), 0, octets.length));
  assert.is_nil(view.attach(ip.frame, ip.payloadAt, ip.payloadBytes, ip.isFirstFragment()));
}

function faultOf(octets: Octets, isFirstFragment = false): UdpFault | undefined {
  return view.attach(bufferOf(octets), 0, octets.length, isFirstFragment);
}

function written(): Octets {
  return octetsOf(ip.frame, 0, ip.totalBytes);
}

function translateSource(word: number, port: number): void {
  view.applyAddressChange(ip.source(), word);
  ip.setSource(word);
  view.setSourcePort(port);
}

describe("a UDP packet", () => {
  it("is read field by field", () => {
    attach(packet(counting(5)));
    assert.equal(40000, view.sourcePort());
    assert.equal(53, view.destinationPort());
    assert.equal(13, view.lengthBytes);
    assert.equal(28, view.payloadAt);
    assert.equal(5, view.payloadBytes);
  });

  it("is refused by name when it is not well-formed", () => {
    assert.equal("udp-truncated", faultOf(hex("01f4 01f4 0008 00")));
    assert.equal("udp-truncated", faultOf(hex("01f4 01f4 0009 0000")));
    assert.equal("udp-length", faultOf(hex("01f4 01f4 0007 0000 00")));
    assert.equal("udp-length", faultOf(hex("01f4 01f4 0000 0000 00"), true));
  });

  it("may be shorter than the IPv4 payload", () => {
    assert.is_nil(faultOf(hex("01f4 01f4 0009 0000 aa bb cc")));
    assert.equal(1, view.payloadBytes);
  });

  it("may end early when it is a first fragment", () => {
    assert.is_nil(faultOf(hex("01f4 01f4 0800 1234 aabb ccdd eeff 0011"), true));
    assert.equal(0x800, view.lengthBytes);
    assert.equal(8, view.payloadBytes);
  });
});

describe("rewriting a UDP packet", () => {
  it("keeps the checksum right", () => {
    attach(packet(counting(33)));
    translateSource(address(ROUTER), 61234);
    view.setDestinationPort(5353);
    assert.equal(61234, view.sourcePort());
    assert.equal(5353, view.destinationPort());
    assert.same([], wrongChecksums(written()));
  });

  it("keeps the checksum right whatever the values", () => {
    const random = new Random(768);
    for (const _ of $range(1, 200)) {
      attach(packet(random.octets(random.below(9))));
      translateSource(random.word(), random.below(0x10000));
      assert.not_equal(0, view.checksum());
      assert.same([], wrongChecksums(written()));
    }
  });

  it("leaves a packet without a checksum without one", () => {
    attach(packet(counting(8), "none"));
    translateSource(address(ROUTER), 61234);
    assert.equal(0, view.checksum());
    assert.equal(61234, view.sourcePort());
  });

  it("writes 0xffff where the checksum computes to 0", () => {
    attach(packet(counting(4)));
    const missing = view.checksum() + view.sourcePort();
    const port = missing > 0xffff ? missing - 0xffff : missing;
    view.setSourcePort(port);
    assert.equal(0xffff, view.checksum());
    assert.same([], wrongChecksums(written()));
    view.setSourcePort(40000);
    assert.same(packet(counting(4)), written());
  });

  it("follows the address in a first fragment as the whole packet's checksum would", () => {
    const whole = packet(counting(64));
    const fragment = whole.slice(0, 20 + 24);
    assert.is_nil(view.attach(bufferOf(fragment), 20, 24, true));
    view.applyAddressChange(address(CLIENT), address(ROUTER));
    const translated = ipv4({
      from: ROUTER,
      to: SERVER,
      carrying: udp({ fromPort: 40000, toPort: 53, payload: counting(64) }),
    });
    assert.same(translated.slice(20, 44), octetsOf(view.frame, 20, 24));
  });

  it("completes a checksum that was left to hardware, for odd lengths too", () => {
    for (const payloadBytes of [0, 1, 32, 33]) {
      attach(packet(counting(payloadBytes), "partial"));
      assert.same(["protocol 17"], wrongChecksums(written()));
      translateSource(address(ROUTER), 61234);
      view.completeChecksum(ip.source(), ip.destination());
      assert.same([], wrongChecksums(written()));
    }
  });
});
