// SPDX-License-Identifier: GPL-2.0-only
// The simulator's link does to packets what its conditions say, no more and no less, and time passes in order.

import { clientAddress, serverAddress } from "../../sim/addresses";
import { EventQueue } from "../../sim/event-queue";
import { Link, type LinkConditions } from "../../sim/link";
import { type EspPacket, NOBODY } from "../../sim/packet";
import { Random } from "../random";

const PERFECT: LinkConditions = {
  latencyMs: 40,
  jitterMs: 0,
  lossPpm: 0,
  duplicatePpm: 0,
  reorderPpm: 0,
  mtuBytes: 1500,
};
const PACKETS = 20_000;
/** Five standard deviations of a share of a twentieth among so many packets. */
const SPREAD = 5 * Math.sqrt(PACKETS * 0.05 * 0.95);

const PACKET: EspPacket = {
  kind: "esp",
  source: clientAddress(0),
  destination: serverAddress(0),
  spi: 0x1001,
  sequence: 1,
  lengthBytes: 100,
  tunnel: NOBODY,
  load: "request",
  askedMs: 0,
};

interface Arrival {
  readonly number: number;
  readonly tookMs: number;
}

/** Sends packets, one a millisecond, over a link with these vices; what arrives, in order. */
function carry(vices: Partial<LinkConditions>, packets: number, lengthBytes = 100): Arrival[] {
  const queue = new EventQueue();
  const arrivals: Arrival[] = [];
  const link = new Link(queue, new Random(11), { ...PERFECT, ...vices }, (packet) => {
    const { sequence, askedMs } = packet as EspPacket;
    arrivals.push({ number: sequence, tookMs: queue.nowMs - askedMs });
  });
  const send = (number: number): void => {
    link.carry({ ...PACKET, sequence: number, lengthBytes, askedMs: queue.nowMs });
  };
  for (const number of $range(1, packets)) queue.at(number, send, number);
  while (queue.step(Infinity));
  return arrivals;
}

function isNear(count: number, share: number): boolean {
  return Math.abs(count - PACKETS * share) < SPREAD;
}

describe("a link of the simulator", () => {
  it("that is perfect delivers each packet once, in order, after its latency", () => {
    const arrivals = carry({}, 100);
    assert.equal(100, arrivals.length);
    for (const at of $range(0, 99)) assert.same({ number: at + 1, tookMs: 40 }, arrivals[at]);
  });

  it("loses the share that it is told", () => {
    assert.is_true(isNear(PACKETS - carry({ lossPpm: 50_000 }, PACKETS).length, 0.05));
  });

  it("doubles the share that it is told", () => {
    assert.is_true(isNear(carry({ duplicatePpm: 50_000 }, PACKETS).length - PACKETS, 0.05));
  });

  it("delays by its jitter at most, and keeps the order", () => {
    const arrivals = carry({ jitterMs: 30 }, 1000);
    let last = 0;
    let longestMs = 0;
    for (const { number, tookMs } of arrivals) {
      assert.equal(last + 1, number);
      assert.is_true(tookMs >= 40 && tookMs <= 70);
      last = number;
      longestMs = Math.max(longestMs, tookMs);
    }
    assert.is_true(longestMs > 60);
  });

  it("lets others overtake the share that it is told", () => {
    let highest = 0;
    let late = 0;
    for (const { number } of carry({ reorderPpm: 50_000 }, PACKETS)) {
      if (number < highest) late += 1;
      highest = Math.max(highest, number);
    }
    assert.is_true(isNear(late, 0.05));
  });

  it("drops ESP that is longer than its MTU", () => {
    assert.equal(10, carry({ mtuBytes: 1280 }, 10, 1280).length);
    assert.equal(0, carry({ mtuBytes: 1280 }, 10, 1281).length);
  });

  it("that is down loses all", () => {
    const queue = new EventQueue();
    let arrived = 0;
    const link = new Link(queue, new Random(1), PERFECT, () => {
      arrived += 1;
    });
    link.isUp = false;
    link.carry(PACKET);
    link.isUp = true;
    link.carry(PACKET);
    while (queue.step(Infinity));
    assert.equal(1, arrived);
  });
});

describe("virtual time", () => {
  it("lets events happen in the order of their times, and of equal times as they were planned", () => {
    const queue = new EventQueue();
    const random = new Random(5);
    const happened: number[] = [];
    const planned: { atMs: number; number: number }[] = [];
    for (const number of $range(1, 2000)) {
      const atMs = random.below(300);
      planned.push({ atMs, number });
      queue.at(atMs, (one: number) => happened.push(one), number);
    }
    planned.sort((one, other) => (one.atMs === other.atMs ? one.number - other.number : one.atMs - other.atMs));
    while (queue.step(299));
    assert.same(
      planned.map(({ number }) => number),
      happened,
    );
    assert.equal(2000, queue.happened);
  });

  it("stops at the end that it is given", () => {
    const queue = new EventQueue();
    queue.at(100, () => undefined, undefined);
    assert.is_false(queue.step(99));
    assert.equal(0, queue.nowMs);
    assert.is_true(queue.step(100));
    assert.equal(100, queue.nowMs);
  });
});
