// SPDX-License-Identifier: GPL-2.0-only
// ICMP errors reach the client whose packet they are about, and come from nobody else.

import { DEFAULT_LIMITS } from "../../../src/masquerade/limits";
import type { TableOptions } from "../../../src/masquerade/table";
import { address, esp, fragmentsOf, icmpError, ike, ipv4, type Octets, udp, wrongChecksums } from "../frame";
import { ALICE, BOB, Router, SERVER, WAN } from "./table-site";

const ROUTER = "198.51.100.254";
const COOKIE = "1111111122222222";
const [A_OUT, A_IN, B_OUT, B_IN] = [0xa0001, 0xa1001, 0xb0001, 0xb1001];

function espPacket(from: string, to: string, spi: number): Octets {
  return ipv4({ from, to, carrying: esp({ spi }) });
}

/** Alice and Bob each have a tunnel with the server. */
function withTunnels(options: Partial<TableOptions> = {}): Router {
  const router = new Router(options);
  router.out(espPacket(ALICE, SERVER, A_OUT));
  router.in(espPacket(SERVER, WAN, A_IN));
  router.out(espPacket(BOB, SERVER, B_OUT));
  router.in(espPacket(SERVER, WAN, B_IN));
  return router;
}

function expectPacket(packet: Octets | undefined, reason: string): Octets {
  assert.is_not_nil(packet, reason);
  assert.same([], wrongChecksums(packet as Octets));
  return packet as Octets;
}

function dotted(packet: Octets, at: number): string {
  return packet.slice(at, at + 4).join(".");
}

const EMBEDDED_AT = 28;

describe("An ICMP error from the WAN", () => {
  for (const quotedBytes of [28, 60, 1000]) {
    it(`about a client's ESP packet reaches that client as if it were about its own (${quotedBytes} bytes)`, () => {
      const router = withTunnels();
      const about = router.out(espPacket(BOB, SERVER, B_OUT)) as Octets;
      const error = icmpError({ about, nextHopMtuBytes: 1400, quotedBytes });
      const got = expectPacket(router.in(ipv4({ from: ROUTER, to: WAN, carrying: error })), router.reason());
      assert.equal("icmp-error-translated", router.reason());
      assert.equal(BOB, dotted(got, 16));
      assert.equal(BOB, dotted(got, EMBEDDED_AT + 12));
      assert.equal(SERVER, dotted(got, EMBEDDED_AT + 16));
      assert.equal(1400, got[26] * 256 + got[27]);
    });
  }

  it("about an unanswered epoch reaches its client", () => {
    const router = new Router();
    const about = router.out(espPacket(ALICE, SERVER, A_OUT)) as Octets;
    const got = router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about, type: 3, code: 1 }) }));
    assert.equal(ALICE, dotted(expectPacket(got, router.reason()), 16));
  });

  it("about IKE is told by both cookies", () => {
    const router = new Router();
    router.out(ipv4({ from: ALICE, to: SERVER, carrying: ike({ initiatorCookie: COOKIE }) }));
    router.in(
      ipv4({ from: SERVER, to: WAN, carrying: ike({ initiatorCookie: COOKIE, responderCookie: "0a".repeat(8) }) }),
    );
    router.out(ipv4({ from: BOB, to: SERVER, carrying: ike({ initiatorCookie: COOKIE }) }));
    router.in(
      ipv4({ from: SERVER, to: WAN, carrying: ike({ initiatorCookie: COOKIE, responderCookie: "0b".repeat(8) }) }),
    );
    const message = ike({ initiatorCookie: COOKIE, responderCookie: "0b".repeat(8) });
    const about = router.out(ipv4({ from: BOB, to: SERVER, carrying: message })) as Octets;
    const got = router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) }));
    assert.equal(BOB, dotted(expectPacket(got, router.reason()), 16));
    assert.is_nil(router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about, quotedBytes: 28 }) })));
    assert.equal("icmp-error-unknown", router.reason());
  });

  it("about IKE that shows no cookies reaches the only client that speaks with that server", () => {
    const router = new Router();
    const about = router.out(ipv4({ from: BOB, to: SERVER, carrying: ike({ initiatorCookie: COOKIE }) })) as Octets;
    const got = router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about, quotedBytes: 28 }) }));
    assert.equal(BOB, dotted(expectPacket(got, router.reason()), 16));
  });

  it("about a packet that no client sent is dropped", () => {
    const router = withTunnels();
    for (const about of [
      espPacket(WAN, SERVER, 0xdead0001),
      espPacket(WAN, "198.51.100.9", A_OUT),
      espPacket("203.0.113.9", SERVER, A_OUT),
      espPacket(SERVER, WAN, A_IN),
    ]) {
      assert.is_nil(router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) })));
      assert.equal("icmp-error-unknown", router.reason());
    }
  });

  it("about a later fragment, which shows no SPI, is dropped, also while a server's SPI waits for its client", () => {
    const router = withTunnels();
    router.table.esp.restore(address(ALICE), address(SERVER), 0, 0xa1002, 0, router.nowMs);
    const [, later] = fragmentsOf(espPacket(WAN, SERVER, A_OUT), 24);
    for (const about of [later, ipv4({ from: WAN, to: "0.0.0.0", carrying: esp({ spi: 0 }) })]) {
      assert.is_nil(router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) })));
      assert.equal("icmp-error-unknown", router.reason());
    }
  });

  it("about anything else is not ours in scope vpn, and the flow's in scope all", () => {
    const carrying = udp({ fromPort: 4000, toPort: 53 });
    const vpn = new Router();
    const foreign = ipv4({ from: WAN, to: SERVER, carrying });
    assert.is_nil(vpn.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about: foreign }) })));
    assert.equal("not-ours", vpn.reason());
    const all = new Router({ scope: "all" });
    const about = all.out(ipv4({ from: ALICE, to: SERVER, carrying })) as Octets;
    const got = all.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) }));
    assert.equal(ALICE, dotted(expectPacket(got, all.reason()), 16));
    assert.equal(4000, (got as Octets)[EMBEDDED_AT + 20] * 256 + (got as Octets)[EMBEDDED_AT + 21]);
  });

  it("is one of so many a second", () => {
    const router = withTunnels({ limits: { ...DEFAULT_LIMITS, icmpErrorsPerSecondMax: 3 } });
    const about = espPacket(WAN, SERVER, A_OUT);
    for (const _ of $range(1, 3)) {
      assert.is_not_nil(router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) })));
    }
    assert.is_nil(router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) })));
    assert.equal("icmp-error-rate", router.reason());
    router.nowMs += 1000;
    assert.is_not_nil(router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about }) })));
  });

  it("changes nothing: the epoch it is about goes on", () => {
    const router = withTunnels();
    router.in(ipv4({ from: ROUTER, to: WAN, carrying: icmpError({ about: espPacket(WAN, SERVER, A_OUT), code: 3 }) }));
    assert.is_not_nil(router.out(espPacket(ALICE, SERVER, A_OUT)));
    assert.equal("esp-established", router.reason());
  });
});

describe("An ICMP error from the LAN", () => {
  it("about an ESP packet that was delivered to its sender leaves as being about the packet the server sent", () => {
    const router = withTunnels();
    const about = router.in(espPacket(SERVER, WAN, B_IN)) as Octets;
    const error = ipv4({ from: BOB, to: SERVER, carrying: icmpError({ about, nextHopMtuBytes: 1300 }) });
    const sent = expectPacket(router.out(error), router.reason());
    assert.equal("icmp-error-translated", router.reason());
    assert.equal(WAN, dotted(sent, 12));
    assert.equal(SERVER, dotted(sent, EMBEDDED_AT + 12));
    assert.equal(WAN, dotted(sent, EMBEDDED_AT + 16));
  });

  it("about an IKE message leaves likewise", () => {
    const router = new Router();
    router.out(ipv4({ from: ALICE, to: SERVER, carrying: ike({ initiatorCookie: COOKIE }) }));
    const answer = ike({ initiatorCookie: COOKIE, responderCookie: "0a".repeat(8) });
    const about = router.in(ipv4({ from: SERVER, to: WAN, carrying: answer })) as Octets;
    const error = ipv4({ from: ALICE, to: SERVER, carrying: icmpError({ about, code: 3 }) });
    const sent = expectPacket(router.out(error), router.reason());
    assert.equal(WAN, dotted(sent, EMBEDDED_AT + 16));
  });

  it("about a packet that its sender never got is dropped", () => {
    const router = withTunnels();
    const about = espPacket(SERVER, ALICE, B_IN);
    assert.is_nil(router.out(ipv4({ from: ALICE, to: SERVER, carrying: icmpError({ about }) })));
    assert.equal("icmp-error-unknown", router.reason());
  });
});
