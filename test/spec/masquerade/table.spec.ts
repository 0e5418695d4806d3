// SPDX-License-Identifier: GPL-2.0-only
// Whole packets through the table: what is rewritten and what is not, both ways, and that no bytes at all upset it.

import { DEFAULT_LIMITS } from "../../../src/masquerade/limits";
import { REASONS } from "../../../src/masquerade/reason";
import { Action } from "../../../src/masquerade/verdict";
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
  type Octets,
  raw,
  tcp,
  udp,
  wrongChecksums,
} from "../frame";
import { Random } from "../random";
import { auditEsp } from "./esp-audit";
import { ALICE, BOB, CAROL, Router, SERVER, WAN } from "./table-site";

const COOKIE = "1111111122222222";
const ALICES = "aaaaaaaaaaaaaaaa";
const BOBS = "bbbbbbbbbbbbbbbb";
const [A_OUT, A_IN, B_OUT] = [0xa0001, 0xa1001, 0xb0001];
const IKE_AUTH = 35;
const SOURCE_AT = 12;
const DESTINATION_AT = 16;
const TIME_TO_LIVE_AT = 8;

function espPacket(from: string, to: string, spi: number, payloadBytes = 56): Octets {
  return ipv4({ from, to, carrying: esp({ spi, payload: counting(payloadBytes) }) });
}

function ikePacket(from: string, to: string, responderCookie = "00".repeat(8), exchangeType = 34): Octets {
  const message = ike({ initiatorCookie: COOKIE, responderCookie, exchangeType, payload: counting(300) });
  return ipv4({ from, to, carrying: message });
}

/** The packet that differs from `packet` only as a NAT may: addresses, time to live, and the checksums of it. */
function translated(packet: Octets, from: string, to: string): Octets {
  const isUdp = packet[9] === 17;
  const payload = packet.slice(20);
  const carrying = isUdp
    ? udp({ fromPort: payload[0] * 256 + payload[1], toPort: payload[2] * 256 + payload[3], payload: payload.slice(8) })
    : raw(packet[9], payload);
  return ipv4({ from, to, carrying, timeToLive: packet[TIME_TO_LIVE_AT] - 1 });
}

function dotted(packet: Octets, at: number): string {
  return packet.slice(at, at + 4).join(".");
}

/** Asserts that a packet passed with right checksums. */
function passed(router: Router, packet: Octets | undefined): Octets {
  assert.is_not_nil(packet, router.reason());
  assert.same([], wrongChecksums(packet as Octets));
  return packet as Octets;
}

describe("Rewriting", () => {
  it("of ESP changes the address, the time to live and the header checksum, and nothing else", () => {
    const router = new Router();
    const sent = espPacket(ALICE, SERVER, A_OUT);
    assert.same(translated(sent, WAN, SERVER), passed(router, router.out(sent)));
    const answer = espPacket(SERVER, WAN, A_IN);
    assert.same(translated(answer, SERVER, ALICE), passed(router, router.in(answer)));
  });

  it("of IKE changes the address and the checksums; both ports stay 500", () => {
    const router = new Router();
    const sent = ikePacket(ALICE, SERVER);
    assert.same(translated(sent, WAN, SERVER), passed(router, router.out(sent)));
    const answer = ikePacket(SERVER, WAN, ALICES);
    assert.same(translated(answer, SERVER, ALICE), passed(router, router.in(answer)));
  });

  it("keeps port 500 for every client at once, and cookies tell the answers apart", () => {
    const router = new Router();
    for (const [client, cookie] of [
      [ALICE, ALICES],
      [BOB, BOBS],
    ]) {
      const sent = passed(router, router.out(ikePacket(client, SERVER)));
      assert.same([1, 244, 1, 244], sent.slice(20, 24));
      router.in(ikePacket(SERVER, WAN, cookie));
    }
    assert.equal(BOB, dotted(passed(router, router.in(ikePacket(SERVER, WAN, BOBS))), DESTINATION_AT));
    assert.equal(ALICE, dotted(passed(router, router.in(ikePacket(SERVER, WAN, ALICES))), DESTINATION_AT));
  });

  it("of a copied packet gives each receiver its own address, and takes one off the time to live", () => {
    const router = new Router();
    for (const [client, cookie] of [
      [ALICE, ALICES],
      [BOB, BOBS],
    ]) {
      router.out(ikePacket(client, SERVER));
      router.in(ikePacket(SERVER, WAN, cookie));
      router.out(ikePacket(client, SERVER, cookie, IKE_AUTH));
    }
    const copies = router.copies(espPacket(SERVER, WAN, A_IN));
    assert.equal("esp-shared", router.reason());
    assert.same([ALICE, BOB], copies.map((copy) => dotted(copy, DESTINATION_AT)).sort());
    for (const copy of copies) {
      assert.same([], wrongChecksums(copy));
      assert.equal(63, copy[TIME_TO_LIVE_AT]);
    }
  });

  it("keeps options in the header", () => {
    const router = new Router();
    const carrying = esp({ spi: A_OUT });
    const sent = passed(router, router.out(ipv4({ from: ALICE, to: SERVER, carrying, options: [1, 1, 1, 0] })));
    assert.same([1, 1, 1, 0], sent.slice(20, 24));
  });
});

describe("What the table does not translate", () => {
  it("is what comes from no client's address", () => {
    const router = new Router();
    assert.is_nil(router.out(espPacket("192.168.2.2", SERVER, A_OUT)));
    assert.equal("not-a-client", router.reason());
    assert.equal(0, router.table.esp.count());
  });

  it("is an error about a packet between clients by the WAN address (RFC 5508 REQ-7, not met)", () => {
    const router = new Router({ scope: "all" });
    const about = ipv4({ from: WAN, to: ALICE, carrying: udp({ fromPort: 4000, toPort: 5000 }) });
    assert.is_nil(router.out(ipv4({ from: ALICE, to: WAN, carrying: icmpError({ about }) })));
    assert.equal("icmp-error-unknown", router.reason());
  });

  it("is what comes from the WAN with a client's address", () => {
    const router = new Router();
    assert.is_nil(router.in(espPacket(ALICE, WAN, A_IN)));
    assert.equal("spoofed-source", router.reason());
  });

  it("is what goes to another address than ours", () => {
    const router = new Router();
    router.out(espPacket(ALICE, SERVER, A_OUT));
    assert.is_nil(router.in(espPacket(SERVER, "203.0.113.2", A_IN)));
    assert.equal("not-ours", router.reason());
  });

  it("is anything while the WAN has no address", () => {
    const router = new Router();
    router.table.wanAddress = 0;
    assert.is_nil(router.out(espPacket(ALICE, SERVER, A_OUT)));
    assert.equal("link-down", router.reason());
  });

  it("is what has come to the end of its time to live, in both directions", () => {
    const router = new Router();
    const carrying = esp({ spi: A_OUT });
    for (const timeToLive of [0, 1]) {
      assert.is_nil(router.out(ipv4({ from: ALICE, to: SERVER, carrying, timeToLive })));
      assert.equal("ttl-expired", router.reason());
      assert.is_nil(router.in(ipv4({ from: SERVER, to: WAN, carrying, timeToLive })));
      assert.equal("ttl-expired", router.reason());
    }
    assert.equal(1, passed(router, router.out(ipv4({ from: ALICE, to: SERVER, carrying, timeToLive: 2 })))[8]);
  });

  it("is ESP with SPI 0 or a reserved one", () => {
    const router = new Router();
    for (const [spi, reason] of [
      [0, "esp-spi-zero"],
      [1, "esp-spi-reserved"],
      [255, "esp-spi-reserved"],
    ] as [number, string][]) {
      assert.is_nil(router.out(espPacket(ALICE, SERVER, spi)));
      assert.equal(reason, router.reason());
      assert.is_nil(router.in(espPacket(SERVER, WAN, spi)));
      assert.equal(reason, router.reason());
    }
    assert.is_not_nil(router.out(espPacket(ALICE, SERVER, 256)));
  });

  it("is a keepalive or nonsense on port 500", () => {
    const router = new Router();
    for (const payload of [[0xff], [], counting(27), counting(60)]) {
      const carrying = udp({ fromPort: 500, toPort: 500, payload });
      assert.is_nil(router.out(ipv4({ from: ALICE, to: SERVER, carrying })));
      assert.equal(Action.Drop, router.table.verdict.action);
      assert.is_nil(router.in(ipv4({ from: SERVER, to: WAN, carrying })));
    }
    assert.equal(0, router.table.ike.count());
  });

  it("in scope vpn is everything but IKE, ESP and the errors about them: the kernel keeps it", () => {
    const router = new Router();
    for (const carrying of [
      udp({ fromPort: 5000, toPort: 53 }),
      udp({ fromPort: 4500, toPort: 4500, payload: counting(40) }),
      tcp({ fromPort: 5000, toPort: 443, flags: "S" }),
      icmpEcho({ identifier: 7 }),
      icmpEcho({ identifier: 7, reply: true }),
      raw(47, counting(20)),
      raw(51, counting(24)),
    ]) {
      assert.is_nil(router.out(ipv4({ from: ALICE, to: SERVER, carrying })));
      assert.equal("not-ours", router.reason());
      assert.is_nil(router.in(ipv4({ from: SERVER, to: WAN, carrying })));
      assert.equal("not-ours", router.reason());
    }
  });
});

describe("In scope all", () => {
  it("UDP, TCP and queries are translated with right checksums, next to IKE and ESP", () => {
    const router = new Router({ scope: "all" });
    for (const [carrying, answer] of [
      [udp({ fromPort: 5000, toPort: 53 }), udp({ fromPort: 53, toPort: 5000 })],
      [udp({ fromPort: 5000, toPort: 53, checksum: "none" }), udp({ fromPort: 53, toPort: 5000, checksum: "none" })],
      [tcp({ fromPort: 5000, toPort: 443, flags: "S" }), tcp({ fromPort: 443, toPort: 5000, flags: "SA" })],
      [icmpEcho({ identifier: 7 }), icmpEcho({ identifier: 7, reply: true })],
      [esp({ spi: A_OUT }), esp({ spi: A_IN })],
    ]) {
      const sent = passed(router, router.out(ipv4({ from: ALICE, to: SERVER, carrying })));
      assert.equal(WAN, dotted(sent, SOURCE_AT));
      const got = passed(router, router.in(ipv4({ from: SERVER, to: WAN, carrying: answer })));
      assert.equal(ALICE, dotted(got, DESTINATION_AT));
    }
  });

  it("two clients with the same port get two, and each answer finds its own", () => {
    const router = new Router({ scope: "all" });
    const carrying = udp({ fromPort: 5000, toPort: 53 });
    router.out(ipv4({ from: ALICE, to: SERVER, carrying }));
    const bobs = passed(router, router.out(ipv4({ from: BOB, to: SERVER, carrying })));
    const port = bobs[20] * 256 + bobs[21];
    assert.not_equal(5000, port);
    const answer = udp({ fromPort: 53, toPort: port });
    const got = passed(router, router.in(ipv4({ from: SERVER, to: WAN, carrying: answer })));
    assert.equal(BOB, dotted(got, DESTINATION_AT));
    assert.equal(5000, got[22] * 256 + got[23]);
  });

  it("a client reaches another one's mapped port, as if its peer were outside (RFC 4787 REQ-9)", () => {
    const router = new Router({ scope: "all" });
    router.out(ipv4({ from: BOB, to: WAN, carrying: udp({ fromPort: 6000, toPort: 9 }) }));
    router.out(ipv4({ from: BOB, to: SERVER, carrying: udp({ fromPort: 6000, toPort: 53 }) }));
    const packet = ipv4({ from: ALICE, to: WAN, carrying: udp({ fromPort: 5000, toPort: 6000 }), identification: 77 });
    const bytes = bufferOf(packet);
    const { table } = router;
    // The first one opens Alice's mapping; Bob's filter lets her in once he has sent to it.
    table.decideOutbound(bytes, 0, packet.length, router.nowMs);
    router.out(ipv4({ from: BOB, to: WAN, carrying: udp({ fromPort: 6000, toPort: 5000 }) }));
    table.decideOutbound(bytes, 0, packet.length, router.nowMs);
    assert.is_true(table.isHairpin, router.reason());
    assert.equal(address(BOB), table.verdict.client);
    table.rewriteHairpin();
    const got: Octets = [];
    for (const at of $range(0, packet.length - 1)) got.push(bytes[at]);
    assert.same([], wrongChecksums(got));
    assert.equal(WAN, dotted(got, SOURCE_AT));
    assert.equal(BOB, dotted(got, DESTINATION_AT));
    assert.equal(77, got[4] * 256 + got[5], "the identification of an earlier packet is not put into this one");
  });
});

/** Every order of three things. */
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** Sends fragments in an order, and those that were held once more when they are released; what came out. */
function throughInOrder(
  router: Router,
  fragments: Octets[],
  order: number[],
  pass: (fragment: Octets) => Octets | undefined,
): Octets[] {
  const out: Octets[] = [];
  let held: Octets[] = [];
  for (const index of order) {
    const result = pass(fragments[index]);
    if (result !== undefined) out.push(result);
    else if (router.table.verdict.action === Action.Hold) held.push(fragments[index]);
    const isReleased = router.table.releases.released.length > 0;
    router.table.releases.clear();
    if (isReleased) {
      const again = held;
      held = [];
      for (const fragment of again) out.push(passed(router, pass(fragment)));
    }
  }
  return out;
}

describe("Fragments of ESP and IKE", () => {
  for (const order of ORDERS) {
    const name = order.map((index) => index + 1).join(", ");

    it(`of ESP pass in both directions in the order ${name}`, () => {
      const router = new Router();
      const sent = fragmentsOf(espPacket(ALICE, SERVER, A_OUT, 1000), 400);
      const left = throughInOrder(router, sent, order, (fragment) => router.out(fragment));
      assert.equal(3, left.length);
      for (const fragment of left) assert.equal(WAN, dotted(fragment, SOURCE_AT));
      assert.equal(1, new Set(left.map((fragment) => fragment[4] * 256 + fragment[5])).size);
      const answer = fragmentsOf(espPacket(SERVER, WAN, A_IN, 1000), 400);
      const got = throughInOrder(router, answer, order, (fragment) => router.in(fragment));
      assert.equal(3, got.length);
      for (const fragment of got) assert.equal(ALICE, dotted(fragment, DESTINATION_AT));
    });

    it(`of IKE pass in both directions in the order ${name}, and the checksum of the whole is right`, () => {
      const router = new Router();
      const sent = fragmentsOf(ikePacket(ALICE, SERVER), 160);
      const left = throughInOrder(router, sent, order, (fragment) => router.out(fragment));
      assert.equal(3, left.length);
      const byOffset = left.sort((one, other) => one[7] - other[7]);
      const whole: Octets = [];
      for (const fragment of byOffset) for (const octet of fragment.slice(20)) whole.push(octet);
      assert.same([], wrongChecksums(ipv4({ from: WAN, to: SERVER, carrying: raw(17, whole) })));
      const got = throughInOrder(router, fragmentsOf(ikePacket(SERVER, WAN, ALICES), 160), order, (fragment) =>
        router.in(fragment),
      );
      assert.equal(3, got.length);
      for (const fragment of got) assert.equal(ALICE, dotted(fragment, DESTINATION_AT));
    });
  }

  it("wait together when the first one is held, and leave together in their order", () => {
    const router = new Router();
    router.out(espPacket(ALICE, SERVER, A_OUT));
    const fragments = fragmentsOf(espPacket(BOB, SERVER, B_OUT, 1000), 400);
    const keys = fragments.map((fragment) => {
      assert.is_nil(router.out(fragment));
      assert.equal(Action.Hold, router.table.verdict.action, router.reason());
      return router.table.verdict.holdKey;
    });
    assert.same([keys[0], keys[0], keys[0]], keys);
    router.in(espPacket(SERVER, WAN, A_IN));
    assert.is_true(router.table.releases.released.includes(keys[0]));
    for (const fragment of fragments) assert.equal(WAN, dotted(passed(router, router.out(fragment)), SOURCE_AT));
  });

  it("of a copied packet are copied to the same clients", () => {
    const router = new Router();
    router.table.ike.outbound = (): void => undefined;
    router.table.esp.restore(address(ALICE), address(SERVER), A_OUT, A_IN, 0, router.nowMs);
    router.table.esp.restore(address(BOB), address(SERVER), B_OUT, A_IN, 0, router.nowMs);
    const [first, later] = fragmentsOf(espPacket(SERVER, WAN, A_IN, 600), 400);
    for (const fragment of [first, later]) {
      const receivers = router.copies(fragment).map((copy) => dotted(copy, DESTINATION_AT));
      assert.same([ALICE, BOB], receivers.sort());
    }
  });
});

describe("The WAN address", () => {
  it("may change: what leaves has the new one, and items stay", () => {
    const router = new Router();
    router.out(espPacket(ALICE, SERVER, A_OUT));
    router.in(espPacket(SERVER, WAN, A_IN));
    router.table.wanAddress = address("203.0.113.77");
    assert.equal("203.0.113.77", dotted(passed(router, router.out(espPacket(ALICE, SERVER, A_OUT))), SOURCE_AT));
    const got = router.in(espPacket(SERVER, "203.0.113.77", A_IN));
    assert.equal(ALICE, dotted(passed(router, got), DESTINATION_AT));
    assert.is_nil(router.in(espPacket(SERVER, WAN, A_IN)));
  });
});

// Fuzz

const HOSTS = [ALICE, BOB, CAROL, "192.168.2.9", "0.0.0.0", "255.255.255.255"];
const PEERS = [SERVER, "198.51.100.2", WAN, "0.0.0.0", "255.255.255.255"];

function anyPayload(random: Random): ReturnType<typeof esp> {
  const cookie = (): string => string.format("%08x%08x", random.below(2), random.below(3));
  const kind = random.below(9);
  if (kind <= 2) return esp({ spi: 0xff + random.below(40), sequence: random.word(), payload: counting(40) });
  if (kind <= 4) {
    const exchangeType = 33 + random.below(5);
    return ike({
      initiatorCookie: cookie(),
      responderCookie: cookie(),
      exchangeType,
      majorVersion: 1 + random.below(2),
    });
  }
  if (kind === 5) return udp({ fromPort: random.below(3) * 500, toPort: random.below(3) * 500, payload: counting(9) });
  if (kind === 6)
    return tcp({ fromPort: 1 + random.below(4), toPort: 80, flags: ["S", "A", "FA", "R"][random.below(4)] });
  if (kind === 7) return icmpEcho({ identifier: random.below(4), reply: random.below(2) === 0 });
  return raw(random.below(256), random.octets(random.below(60)));
}

/** A packet with right checksums: anything that clients, servers and those between them may send. */
function anyPacket(random: Random, isOutbound: boolean): Octets {
  const [near, far] = [HOSTS[random.below(HOSTS.length)], PEERS[random.below(PEERS.length)]];
  const [from, to] = isOutbound ? [near, far] : [far, random.below(8) === 0 ? near : WAN];
  const [identification, timeToLive] = [random.below(4), 1 + random.below(64)];
  const packet = ipv4({ from, to, carrying: anyPayload(random), identification, timeToLive });
  if (random.below(6) === 0) {
    // An error goes back to where the packet came from.
    const quotedBytes = 28 + random.below(60);
    const about = packet.length < 28 ? espPacket(from, to, A_OUT) : packet;
    return ipv4({ from: to, to: from, carrying: icmpError({ about, quotedBytes }) });
  }
  if (random.below(5) !== 0) return packet;
  const fragments = fragmentsOf(packet, 8 * (1 + random.below(4)));
  return fragments.length > 0 ? fragments[random.below(fragments.length)] : packet;
}

function damaged(random: Random, packet: Octets): Octets {
  for (const _ of $range(0, random.below(3))) packet[random.below(packet.length)] = random.below(256);
  return packet.slice(0, packet.length - random.below(2) * random.below(packet.length));
}

function fuzzOnce(router: Router, random: Random): void {
  const isOutbound = random.below(2) === 0;
  const fate = random.below(5);
  let packet = anyPacket(random, isOutbound);
  if (fate === 0) packet = damaged(random, packet);
  else if (fate === 1 && random.below(4) === 0) packet = random.octets(random.below(90));
  const isRight = fate > 1;
  const result = isOutbound ? router.out(packet) : router.in(packet);
  assert.is_not_nil(REASONS[router.reason() as "not-ours"], router.reason());
  if (result !== undefined && isRight) assert.same([], wrongChecksums(result), router.reason());
}

describe("Any packets at all", () => {
  for (const scope of ["vpn", "all"] as const) {
    it(`in scope ${scope} never raise an error, keep to every limit, and leave nothing behind`, () => {
      const random = new Random(scope === "all" ? 20253 : 20254);
      const limits = {
        ...DEFAULT_LIMITS,
        espItemsMax: 48,
        espItemsPerClientMax: 20,
        waitingPerServerMax: 12,
        espServerFirstPerServerMax: 6,
        ikeItemsMax: 24,
        ikeItemsPerClientMax: 10,
        icmpErrorsPerSecondMax: 1000,
      };
      const router = new Router({ scope, limits });
      router.table.esp.startRelearning(router.nowMs);
      for (const step of $range(1, 6000)) {
        if (step === 3000) router.pass(400000);
        fuzzOnce(router, random);
        router.table.releases.clear();
        router.table.esp.learned = [];
        router.table.esp.forgotten = [];
        if (random.below(10) === 0) router.pass(random.below(1500));
        if ((step & 15) === 0) auditEsp(router.table.esp, limits);
        assert.is_true(router.table.ike.count() <= limits.ikeItemsMax);
      }
      assert.is_true(router.table.esp.count() > 0, "the fuzz has reached the table");
      for (const _ of $range(1, 60)) router.pass(100);
      router.pass(25 * 3600000);
      for (const _ of $range(1, 200)) router.pass(1000);
      assert.equal(0, router.table.esp.count());
      assert.equal(0, router.table.ike.count());
      assert.equal(0, router.table.fragments.count());
      for (const [server] of router.table.esp.servers) assert.is_nil(server, "a server without items is remembered");
    });
  }
});
