// SPDX-License-Identifier: GPL-2.0-only
// The errors that the router sends, and the packets about which it must send none.

import {
  ICMP_ERROR_BYTES_MAX,
  icmpErrorRefusal,
  IcmpErrorRefusal,
  writeFragmentationNeeded,
  writeTimeExceeded,
  writeUnreachable,
} from "../../../src/wire/icmp-error";
import { UnreachableCode } from "../../../src/wire/icmp";
import { Ipv4View } from "../../../src/wire/ipv4";
import {
  address,
  bufferOf,
  counting,
  esp,
  icmpEcho,
  icmpError,
  ipv4,
  newBuffer,
  Octets,
  octetsOf,
  raw,
  udp,
  wrongChecksums,
} from "../frame";

const CLIENT = "192.168.1.2";
const SERVER = "203.0.113.1";
const ROUTER = "192.168.1.1";

const original = new Ipv4View();
/** What the buffer holds before: all that a message needs must be written, and nothing behind it. */
const UNTOUCHED = 0xaa;
const into = newBuffer(4 + ICMP_ERROR_BYTES_MAX + 1);

function attach(octets: Octets): void {
  for (const index of $range(0, 4 + ICMP_ERROR_BYTES_MAX)) into[index] = UNTOUCHED;
  assert.is_nil(original.attach(bufferOf(octets), 0, octets.length));
}

function written(lengthBytes: number): Octets {
  assert.same([UNTOUCHED, UNTOUCHED], [into[3], into[4 + lengthBytes]]);
  return octetsOf(into, 4, lengthBytes);
}

describe("an error of the router", () => {
  const packet = ipv4({ from: CLIENT, to: SERVER, carrying: esp({ spi: 0x1000 }), timeToLive: 1, identification: 7 });

  /** What the router should send, made by other means. */
  function expected(type: number, code: number, nextHopMtuBytes: number): Octets {
    const carrying = icmpError({ about: packet, type, code, nextHopMtuBytes });
    return ipv4({ from: ROUTER, to: CLIENT, carrying, typeOfService: 0xc0, identification: 7 });
  }

  before_each(() => {
    attach(packet);
  });

  it("says that the time to live ran out", () => {
    assert.same(expected(11, 0, 0), written(writeTimeExceeded(into, 4, address(ROUTER), original)));
  });

  it("says which MTU a packet must fit", () => {
    const lengthBytes = writeFragmentationNeeded(into, 4, address(ROUTER), original, 1400);
    assert.same(expected(3, 4, 1400), written(lengthBytes));
  });

  it("says that a destination cannot be reached, and why", () => {
    const code = UnreachableCode.AdministrativelyProhibited;
    assert.same(expected(3, 13, 0), written(writeUnreachable(into, 4, address(ROUTER), original, code)));
  });

  it("quotes as much of a large packet as fits into 576 bytes", () => {
    const large = ipv4({ from: CLIENT, to: SERVER, carrying: esp({ spi: 0x1000, payload: counting(1400) }) });
    attach(large);
    const lengthBytes = writeFragmentationNeeded(into, 4, address(ROUTER), original, 1400);
    assert.equal(576, lengthBytes);
    assert.same(large.slice(0, 576 - 28), written(lengthBytes).slice(28));
    assert.same([], wrongChecksums(written(lengthBytes)));
  });

  it("quotes options with the header", () => {
    const optioned = ipv4({ from: CLIENT, to: SERVER, carrying: esp({ spi: 0x1000 }), options: [0x94, 4, 0, 0] });
    attach(optioned);
    const lengthBytes = writeTimeExceeded(into, 4, address(ROUTER), original);
    assert.same(optioned, written(lengthBytes).slice(28));
    assert.same([], wrongChecksums(written(lengthBytes)));
  });
});

describe("no error of the router", () => {
  function refusalOf(octets: Octets): IcmpErrorRefusal | undefined {
    attach(octets);
    const refusal = icmpErrorRefusal(original);
    const lengthBytes = writeTimeExceeded(into, 4, address(ROUTER), original);
    assert.equal(refusal === undefined, lengthBytes !== 0);
    return refusal;
  }

  const between = (from: string, to: string): Octets => ipv4({ from, to, carrying: udp({ fromPort: 1, toPort: 2 }) });

  it("answers an ICMP error, an unknown ICMP type, or ICMP without a type", () => {
    const about = between(SERVER, CLIENT);
    for (const type of [3, 4, 5, 11, 12]) {
      const error = ipv4({ from: CLIENT, to: SERVER, carrying: icmpError({ about, type, code: 0 }) });
      assert.equal("icmp-error-about-icmp-error", refusalOf(error));
    }
    for (const octets of [[200, 0, 0, 0, 0, 0, 0, 0], []]) {
      const unknown = ipv4({ from: CLIENT, to: SERVER, carrying: raw(1, octets) });
      assert.equal("icmp-error-about-icmp-error", refusalOf(unknown));
    }
    assert.is_nil(refusalOf(ipv4({ from: CLIENT, to: SERVER, carrying: icmpEcho({ identifier: 1 }) })));
  });

  it("answers a later fragment, though the first is answered", () => {
    const fragment = { from: CLIENT, to: SERVER, carrying: raw(50, counting(16)), moreFragments: true };
    assert.is_nil(refusalOf(ipv4(fragment)));
    assert.equal("icmp-error-about-fragment", refusalOf(ipv4({ ...fragment, fragmentOffsetBytes: 16 })));
  });

  it("goes to an address that is not one host's", () => {
    for (const from of ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"]) {
      assert.equal("icmp-error-source-not-host", refusalOf(between(from, SERVER)));
    }
  });

  it("answers what was sent to many", () => {
    for (const to of ["224.0.0.251", "239.255.255.250", "255.255.255.255"]) {
      assert.equal("icmp-error-destination-group", refusalOf(between(CLIENT, to)));
    }
  });
});
