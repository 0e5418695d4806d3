// SPDX-License-Identifier: GPL-2.0-only
// Large IKE messages (certificates) and ESP in fragments, each way, through the running router.

import { counting, esp, fragmentsOf, ike, ipv4, join, type Octets, type Payload } from "../frame";
import { destinationOf, isFragment, number16, sourceOf } from "./packet-match";
import { RouterProcess, waitUntil } from "./router-process";
import { CLIENT_1, ROUTER_WAN, SERVER, Site } from "./site";
import type { Station } from "./station";

const INITIATOR = "1111111111111111";
const RESPONDER = "aaaaaaaaaaaaaaaa";
const SPI_OUT = 0x1001;
const SPI_IN = 0x2001;
const PAYLOAD_BYTES = 3500;
const PIECE_BYTES = 1480;
const PIECES = 3;

function offsetOf(fragment: Octets): number {
  return (number16(fragment, 6) & 0x1fff) * 8;
}

describe("fragments through the router", () => {
  let site: Site;
  let router: RouterProcess;
  let identification = 0x6000;

  setup(() => {
    site = new Site();
    router = new RouterProcess(site.router).start();
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: ike({ initiatorCookie: INITIATOR }) }));
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: SPI_OUT }) }));
    site.server.expect();
    site.server.expect();
    const answer = ike({ initiatorCookie: INITIATOR, responderCookie: RESPONDER, flags: 0x20 });
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: answer }));
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: SPI_IN }) }));
    client.expect();
    client.expect();
  });

  teardown(() => {
    router.remove();
    site.close();
  });

  before_each(() => {
    for (const station of [...site.clients, site.server]) station.clear();
  });

  const message = (): Payload =>
    ike({
      initiatorCookie: INITIATOR,
      responderCookie: RESPONDER,
      exchangeType: 35,
      messageId: 1,
      payload: counting(PAYLOAD_BYTES),
    });

  interface Way {
    readonly name: string;
    readonly from: string;
    readonly to: string;
    readonly carrying: (this: void) => Payload;
    readonly ends: (this: void) => [Station, Station];
  }

  const out = { from: CLIENT_1, to: SERVER, ends: (): [Station, Station] => [site.clients[0], site.server] };
  const back = { from: SERVER, to: ROUTER_WAN, ends: (): [Station, Station] => [site.server, site.clients[0]] };
  const espBytes = counting(PAYLOAD_BYTES);
  const ways: Way[] = [
    { name: "ESP from a client", ...out, carrying: () => esp({ spi: SPI_OUT, sequence: 9, payload: espBytes }) },
    { name: "ESP to a client", ...back, carrying: () => esp({ spi: SPI_IN, sequence: 9, payload: espBytes }) },
    { name: "IKE from a client", ...out, carrying: message },
    { name: "IKE to a client", ...back, carrying: message },
  ];

  /** The fragments of a datagram, which is another one each time. */
  function pieces(way: Way): Octets[] {
    identification += 1;
    const whole = ipv4({ from: way.from, to: way.to, identification, carrying: way.carrying() });
    return fragmentsOf(whole, PIECE_BYTES);
  }

  /** What the far end makes of the fragments; all must be of one datagram and between the right addresses. */
  function joinedAt(far: Station, count: number): Octets {
    const arrived: Octets[] = [];
    for (const _ of $range(1, count)) arrived.push(far.expect(isFragment));
    for (const fragment of arrived) {
      assert.equal(number16(arrived[0], 4), number16(fragment, 4));
      assert.equal(
        far === site.server ? ROUTER_WAN : CLIENT_1,
        far === site.server ? sourceOf(fragment) : destinationOf(fragment),
      );
    }
    arrived.sort((one, other) => offsetOf(one) - offsetOf(other));
    return join(...arrived.map((fragment) => fragment.slice(20)));
  }

  for (const way of ways) {
    const withoutChecksum = (payload: Octets): Octets => payload.slice(8);
    const expected = (): Octets => {
      const [from, to] = [way.from, way.to].map((text) => text.split(".").map((part) => tonumber(part)!));
      return withoutChecksum(way.carrying().octets(from, to));
    };

    it(`pass in order: ${way.name}`, () => {
      const [near, far] = way.ends();
      for (const piece of pieces(way)) near.send(piece);
      assert.same(expected(), withoutChecksum(joinedAt(far, PIECES)));
    });

    it(`pass in reversed order: ${way.name}`, () => {
      const [near, far] = way.ends();
      for (const piece of pieces(way).reverse()) near.send(piece);
      assert.same(expected(), withoutChecksum(joinedAt(far, PIECES)));
    });

    it(`pass as far as they go with a hole, and one that comes late fills it: ${way.name}`, () => {
      const [near, far] = way.ends();
      const [first, second, third] = pieces(way);
      near.send(first);
      near.send(third);
      const arrived = [far.expect(isFragment), far.expect(isFragment)];
      assert.same(
        [0, 2 * PIECE_BYTES],
        arrived.map((fragment) => offsetOf(fragment)),
      );
      assert.is_true(far.isSpared(isFragment));
      near.send(second);
      assert.equal(PIECE_BYTES, offsetOf(far.expect(isFragment)));
    });

    it(`wait for a first one that is missing and go nowhere without it: ${way.name}`, () => {
      const [near, far] = way.ends();
      const [, second, third] = pieces(way);
      near.send(second);
      near.send(third);
      assert.is_true(far.isSpared(isFragment));
      assert.is_true(router.status().held_packets >= 2);
    });

    it(`do no harm when the network doubles them: ${way.name}`, () => {
      const [near, far] = way.ends();
      for (const piece of pieces(way)) {
        near.send(piece);
        near.send(piece);
      }
      const offsets: number[] = [];
      const isWhole = waitUntil(() => {
        for (const fragment of far.seen(isFragment)) offsets.push(offsetOf(fragment));
        return [0, 1, 2].every((piece) => offsets.includes(piece * PIECE_BYTES));
      });
      assert.is_true(isWhole);
      assert.is_true(offsets.length <= 2 * PIECES);
    });
  }
});
