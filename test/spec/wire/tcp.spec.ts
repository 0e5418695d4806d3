// SPDX-License-Identifier: GPL-2.0-only
// The TCP view: lengths, ports, flags, and a checksum that follows ports and addresses.

import { Ipv4View } from "../../../src/wire/ipv4";
import { TcpFault, TcpFlag, TcpView } from "../../../src/wire/tcp";
import { address, bufferOf, counting, hex, ipv4, Octets, octetsOf, tcp, TcpOptions, wrongChecksums } from "../frame";
import { Random } from "../random";

const ROUTER = "198.51.100.7";

function packet(segment: Partial<TcpOptions>): Octets {
  const carrying = tcp({ fromPort: 40000, toPort: 443, ...segment });
  return ipv4({ from: "192.168.1.2", to: "203.0.113.1", carrying });
}

const ip = new Ipv4View();
const view = new TcpView();

function attach(octets: Octets): void {
  assert.is_nil(ip.attach(bufferOf(octets), 0, octets.length));
  assert.is_nil(view.attach(ip.frame, ip.payloadAt, ip.payloadBytes, ip.isFirstFragment()));
}

function faultOf(octets: Octets, isFirstFragment = false): TcpFault | undefined {
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

describe("a TCP segment", () => {
  it("is read field by field", () => {
    attach(packet({ flags: "SA", sequence: 0xfffffff0, acknowledgment: 7, options: hex("020405b4"), payload: [1, 2] }));
    assert.equal(40000, view.sourcePort());
    assert.equal(443, view.destinationPort());
    assert.equal(-16, view.sequenceNumber());
    assert.equal(7, view.acknowledgmentNumber());
    assert.equal(24, view.headerBytes);
    assert.equal(26, view.segmentBytes);
    assert.equal(44, view.payloadAt);
    assert.equal(2, view.payloadBytes);
    assert.equal(TcpFlag.Syn + TcpFlag.Ack, view.flags());
  });

  it("shows each flag by itself", () => {
    attach(packet({ flags: "S" }));
    assert.same([true, false, false, false], [view.isSyn(), view.isAck(), view.isFin(), view.isRst()]);
    attach(packet({ flags: "FA" }));
    assert.same([false, true, true, false], [view.isSyn(), view.isAck(), view.isFin(), view.isRst()]);
    attach(packet({ flags: "R" }));
    assert.same([false, false, false, true], [view.isSyn(), view.isAck(), view.isFin(), view.isRst()]);
  });

  it("is refused by name when it is not well-formed", () => {
    const segment = packet({}).slice(20);
    assert.is_nil(faultOf(segment));
    assert.equal("tcp-truncated", faultOf(segment.slice(0, 19)));
    segment[12] = 0x40;
    assert.equal("tcp-header-length", faultOf(segment));
    segment[12] = 0x60;
    assert.equal("tcp-truncated", faultOf(segment));
  });

  it("may end within its options when it is a first fragment, but not within its flags", () => {
    const segment = packet({ options: counting(12) }).slice(20, 20 + 24);
    assert.is_nil(faultOf(segment, true));
    assert.equal(0, view.payloadBytes);
    assert.equal("tcp-truncated", faultOf(segment.slice(0, 16), true));
  });
});

describe("rewriting a TCP segment", () => {
  it("keeps the checksum right whatever the values", () => {
    const random = new Random(9293);
    for (const _ of $range(1, 200)) {
      attach(packet({ payload: random.octets(random.below(9)) }));
      translateSource(random.word(), random.below(0x10000));
      view.setDestinationPort(random.below(0x10000));
      assert.same([], wrongChecksums(written()));
    }
  });

  it("gives the segment that the router itself would have sent", () => {
    attach(packet({ payload: counting(10) }));
    translateSource(address(ROUTER), 50000);
    const carrying = tcp({ fromPort: 50000, toPort: 443, payload: counting(10) });
    assert.same(ipv4({ from: ROUTER, to: "203.0.113.1", carrying }), written());
  });

  it("completes a checksum that was left to hardware, for odd lengths too", () => {
    for (const payloadBytes of [0, 1, 1000, 1001]) {
      attach(packet({ payload: counting(payloadBytes), checksum: "partial" }));
      assert.same(["protocol 6"], wrongChecksums(written()));
      translateSource(address(ROUTER), 50000);
      view.completeChecksum(ip.source(), ip.destination());
      assert.same([], wrongChecksums(written()));
    }
  });
});
