// SPDX-License-Identifier: GPL-2.0-only
// The ICMP view: queries, errors with the packet that they quote, and rewriting inside the quoted packet.

import { read16 } from "../../../src/wire/bytes";
import {
  IcmpFault,
  IcmpType,
  IcmpView,
  isIcmpError,
  isIcmpQueryReply,
  isIcmpQueryRequest,
} from "../../../src/wire/icmp";
import { Ipv4View } from "../../../src/wire/ipv4";
import {
  address,
  bufferOf,
  counting,
  esp,
  fragmentsOf,
  icmpEcho,
  icmpError,
  ike,
  ipv4,
  Octets,
  octetsOf,
  Payload,
  tcp,
  udp,
  wrongChecksums,
} from "../frame";

const CLIENT = "192.168.1.2";
const SERVER = "203.0.113.1";
const ROUTER = "198.51.100.7";
const HOP = "100.64.0.1";

const ip = new Ipv4View();
const view = new IcmpView();

function attach(octets: Octets): IcmpFault | undefined {
  assert.is_nil(ip.attach(bufferOf(octets), 0, octets.length));
  return view.attach(ip.frame, ip.payloadAt, ip.payloadBytes, ip.isFirstFragment());
}

/** An error that a hop on the way to the server sends about what the router sent out. */
function errorAbout(carrying: Payload, quotedBytes = 576): Octets {
  const about = ipv4({ from: ROUTER, to: SERVER, carrying, dontFragment: true });
  return ipv4({ from: HOP, to: ROUTER, carrying: icmpError({ about, quotedBytes, nextHopMtuBytes: 1400 }) });
}

function written(): Octets {
  return octetsOf(ip.frame, 0, ip.totalBytes);
}

/** The octets that the error quotes. */
function quoted(): Octets {
  return written().slice(28);
}

describe("the type of an ICMP message", () => {
  function typesOf(isOne: (type: number) => boolean): number[] {
    const types: number[] = [];
    for (const type of $range(0, 255)) if (isOne(type)) types.push(type);
    return types;
  }

  it("says whether it is a request, a reply, an error, or something else", () => {
    assert.same([8, 13, 15, 17], typesOf(isIcmpQueryRequest));
    assert.same([0, 14, 16, 18], typesOf(isIcmpQueryReply));
    assert.same([3, 4, 5, 11, 12], typesOf(isIcmpError));
  });
});

describe("an ICMP query", () => {
  it("may be nothing but its header", () => {
    assert.is_nil(attach(ipv4({ from: CLIENT, to: SERVER, carrying: icmpEcho({ identifier: 1, payload: [] }) })));
    assert.equal(8, view.messageBytes);
  });

  it("shows its identifier and sequence number", () => {
    const request = ipv4({ from: CLIENT, to: SERVER, carrying: icmpEcho({ identifier: 0xbeef, sequence: 3 }) });
    assert.is_nil(attach(request));
    assert.equal(IcmpType.EchoRequest, view.type());
    assert.is_true(view.isQueryRequest());
    assert.is_false(view.isQueryReply());
    assert.is_false(view.isError);
    assert.equal(0xbeef, view.queryIdentifier());
    assert.equal(3, view.querySequence());
  });

  it("gets another identifier with a right checksum", () => {
    const reply = (identifier: number): Octets =>
      ipv4({ from: SERVER, to: CLIENT, carrying: icmpEcho({ identifier, reply: true }) });
    assert.is_nil(attach(reply(0xbeef)));
    assert.is_true(view.isQueryReply());
    view.setQueryIdentifier(0x1001);
    assert.same(reply(0x1001), written());
  });

  it("that follows an error shows nothing of the packet that the error quoted", () => {
    assert.is_nil(attach(errorAbout(ike({ initiatorCookie: "0123456789abcdef" }))));
    assert.is_nil(attach(ipv4({ from: CLIENT, to: SERVER, carrying: icmpEcho({ identifier: 1 }) })));
    assert.same([false, false, 0, 0], [
      view.hasEmbeddedPorts(),
      view.hasEmbeddedCookies(),
      view.embeddedSourcePort(),
      view.embeddedInitiatorCookieHigh(),
    ] as unknown[]);
    const before = written();
    view.setEmbeddedSource(1);
    view.setEmbeddedSourcePort(1);
    view.setEmbeddedQueryIdentifier(1);
    assert.same(before, written());
  });
});

describe("an ICMP error", () => {
  it("about ESP shows the SPI, the addresses and the MTU", () => {
    assert.is_nil(attach(errorAbout(esp({ spi: 0xc0ffee01 }), 28)));
    assert.is_true(view.isError);
    assert.is_true(view.isFragmentationNeeded());
    assert.equal(1400, view.nextHopMtuBytes());
    assert.equal(address(ROUTER), view.embedded.source());
    assert.equal(address(SERVER), view.embedded.destination());
    assert.equal(50, view.embedded.protocol());
    assert.equal(0xc0ffee01 - 0x100000000, view.embeddedSpi());
    assert.is_false(view.hasEmbeddedPorts());
    assert.is_false(view.hasEmbeddedCookies());
  });

  it("about IKE shows the cookies when enough is quoted", () => {
    const message = ike({ initiatorCookie: "0123456789abcdef", responderCookie: "7edcba9876543210" });
    assert.is_nil(attach(errorAbout(message, 20 + 8 + 16)));
    assert.is_true(view.hasEmbeddedCookies());
    assert.equal(0x01234567, view.embeddedInitiatorCookieHigh());
    assert.equal(0x89abcdef - 0x100000000, view.embeddedInitiatorCookieLow());
    assert.equal(0x7edcba98, view.embeddedResponderCookieHigh());
    assert.equal(0x76543210, view.embeddedResponderCookieLow());
    assert.is_nil(attach(errorAbout(message, 20 + 8 + 15)));
    assert.is_false(view.hasEmbeddedCookies());
    assert.equal(500, view.embeddedSourcePort());
  });

  it("shows cookies only where port 500 says that it is about IKE", () => {
    const cookiesWith = (fromPort: number, toPort: number): boolean => {
      assert.is_nil(attach(errorAbout(udp({ fromPort, toPort, payload: counting(28) }))));
      return view.hasEmbeddedCookies();
    };
    assert.is_true(cookiesWith(500, 500));
    assert.is_true(cookiesWith(500, 1024));
    assert.is_true(cookiesWith(1024, 500));
    assert.is_false(cookiesWith(1024, 1024));
  });

  it("is about fragmentation only by type and code together", () => {
    const needsFragmentation = (type: number, code: number): boolean => {
      const about = ipv4({ from: ROUTER, to: SERVER, carrying: esp({ spi: 0x1000 }) });
      assert.is_nil(attach(ipv4({ from: HOP, to: ROUTER, carrying: icmpError({ about, type, code }) })));
      return view.isFragmentationNeeded();
    };
    assert.is_true(needsFragmentation(3, 4));
    assert.is_false(needsFragmentation(3, 1));
    assert.is_false(needsFragmentation(12, 4));
  });

  it("about UDP and TCP shows the ports", () => {
    assert.is_nil(attach(errorAbout(udp({ fromPort: 40000, toPort: 53 }))));
    assert.same([40000, 53], [view.embeddedSourcePort(), view.embeddedDestinationPort()]);
    assert.is_nil(attach(errorAbout(tcp({ fromPort: 40001, toPort: 443 }), 28)));
    assert.same([40001, 443], [view.embeddedSourcePort(), view.embeddedDestinationPort()]);
    assert.equal(0, view.embeddedSpi());
  });

  it("about a query shows its identifier, and about another ICMP message none", () => {
    assert.is_nil(attach(errorAbout(icmpEcho({ identifier: 0xbeef }))));
    assert.is_true(view.hasEmbeddedQueryIdentifier());
    assert.equal(0xbeef, view.embeddedQueryIdentifier());
    const about = ipv4({ from: ROUTER, to: SERVER, carrying: esp({ spi: 0x1000 }) });
    assert.is_nil(attach(errorAbout(icmpError({ about }))));
    assert.is_false(view.hasEmbeddedQueryIdentifier());
  });

  it("about a later fragment shows no ports, because there are none", () => {
    const whole = ipv4({ from: ROUTER, to: SERVER, carrying: udp({ fromPort: 1, toPort: 2, payload: counting(64) }) });
    const about = fragmentsOf(whole, 32)[1];
    assert.is_nil(attach(ipv4({ from: HOP, to: ROUTER, carrying: icmpError({ about }) })));
    assert.is_false(view.hasEmbeddedPorts());
  });

  it("is refused by name when it or the quoted packet is not well-formed", () => {
    const error = errorAbout(esp({ spi: 0x1000 }));
    assert.equal("icmp-truncated", view.attach(bufferOf(error), 20, 7, false));
    assert.equal("icmp-embedded-truncated", attach(errorAbout(esp({ spi: 0x1000 }), 27)));
    assert.equal("icmp-embedded-truncated", attach(errorAbout(esp({ spi: 0x1000 }), 19)));
    const aboutVersion6 = [...counting(28)];
    aboutVersion6[0] = 0x60;
    const malformed = icmpError({ about: aboutVersion6 });
    assert.equal("icmp-embedded-malformed", attach(ipv4({ from: HOP, to: ROUTER, carrying: malformed })));
    const aboutDamaged = ipv4({ from: ROUTER, to: SERVER, carrying: esp({ spi: 0x1000 }) });
    aboutDamaged[8] = 1;
    const damaged = icmpError({ about: aboutDamaged });
    assert.equal("icmp-embedded-bad-checksum", attach(ipv4({ from: HOP, to: ROUTER, carrying: damaged })));
    error[60] = error[60] ^ 1;
    assert.equal("icmp-bad-checksum", attach(error));
  });
});

describe("rewriting the packet that an ICMP error quotes", () => {
  function translate(): void {
    view.setEmbeddedSource(address(CLIENT));
    view.setEmbeddedSourcePort(50000);
    view.setEmbeddedQueryIdentifier(0x2002);
  }

  /** The packet as the client sent it. */
  function sent(carrying: Payload): Octets {
    return ipv4({ from: CLIENT, to: SERVER, carrying, dontFragment: true });
  }

  it("gives back the client's own ESP packet", () => {
    assert.is_nil(attach(errorAbout(esp({ spi: 0x1000 }))));
    translate();
    assert.same(sent(esp({ spi: 0x1000 })), quoted());
    assert.same([], wrongChecksums(written()));
  });

  it("gives back the client's own UDP packet, its checksum too", () => {
    assert.is_nil(attach(errorAbout(udp({ fromPort: 40000, toPort: 53, payload: counting(9) }))));
    translate();
    assert.same(sent(udp({ fromPort: 50000, toPort: 53, payload: counting(9) })), quoted());
    assert.same([], wrongChecksums(written()));
  });

  it("leaves a UDP packet without a checksum without one", () => {
    assert.is_nil(attach(errorAbout(udp({ fromPort: 40000, toPort: 53, checksum: "none" }))));
    translate();
    assert.same(sent(udp({ fromPort: 50000, toPort: 53, checksum: "none" })), quoted());
    assert.same([], wrongChecksums(written()));
  });

  it("writes 0xffff where the quoted UDP checksum computes to 0, and 0 where TCP's does", () => {
    for (const carrying of [udp({ fromPort: 0, toPort: 53 }), tcp({ fromPort: 0, toPort: 53 })]) {
      assert.is_nil(attach(errorAbout(carrying)));
      const checksumAt = view.embedded.payloadAt + (carrying.protocol === 17 ? 6 : 16);
      // The port takes the place of the checksum in the sum, which then is that of a checksum of 0.
      view.setEmbeddedSourcePort(read16(ip.frame, checksumAt));
      assert.equal(carrying.protocol === 17 ? 0xffff : 0, read16(ip.frame, checksumAt));
      assert.same([], wrongChecksums(written()));
    }
  });

  it("gives back the client's own TCP segment, whole or cut before its checksum", () => {
    for (const quotedBytes of [28, 36, 38, 40]) {
      assert.is_nil(attach(errorAbout(tcp({ fromPort: 40000, toPort: 443 }), quotedBytes)));
      translate();
      assert.same(sent(tcp({ fromPort: 50000, toPort: 443 })).slice(0, quotedBytes), quoted());
      assert.same([], wrongChecksums(written()));
    }
  });

  it("gives back the client's own ping", () => {
    assert.is_nil(attach(errorAbout(icmpEcho({ identifier: 0x1001 }))));
    translate();
    assert.same(sent(icmpEcho({ identifier: 0x2002 })), quoted());
    assert.same([], wrongChecksums(written()));
  });

  it("changes the destination side of a packet that was coming in", () => {
    assert.is_nil(attach(errorAbout(udp({ fromPort: 40000, toPort: 53 }))));
    view.setEmbeddedDestination(address(CLIENT));
    view.setEmbeddedDestinationPort(5353);
    const carrying = udp({ fromPort: 40000, toPort: 5353 });
    assert.same(ipv4({ from: ROUTER, to: CLIENT, carrying, dontFragment: true }), quoted());
    assert.same([], wrongChecksums(written()));
  });
});
