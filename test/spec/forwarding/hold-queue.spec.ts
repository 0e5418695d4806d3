// SPDX-License-Identifier: GPL-2.0-only
// Held packets come back whole and in order, and never take more room or time than a small router has.

import { HEADROOM_BYTES, HoldQueue } from "../../../src/forwarding/hold-queue";
import type { BytePtr } from "../../../src/system/ffi";
import { bufferOf, counting, octetsOf } from "../frame";

const KEY = 7;
const OTHER_KEY = 8;
const PER_KEY_MAX = 50;
const HOLD_MS = 15000;
/** The standard of `esp_items_per_client_max`. */
const CLIENT_KEYS = 64;

describe("the queue of held packets", () => {
  const packet = (bytes: number): BytePtr => bufferOf(counting(bytes)) as BytePtr;

  it("gives packets back by key in their order, as copies with room for a link header", () => {
    const queue = new HoldQueue();
    const original = packet(20);
    assert.is_true(queue.hold(KEY, true, original, 20, 0));
    original[0] = 99;
    assert.is_true(queue.hold(OTHER_KEY, true, packet(30), 30, 0));
    assert.is_true(queue.hold(KEY, false, packet(40), 40, 0));
    assert.equal(3, queue.count());
    const taken = queue.take(KEY);
    assert.same(
      [20, 40],
      taken.map(({ lengthBytes }) => lengthBytes),
    );
    assert.same(
      [true, false],
      taken.map(({ isOutbound }) => isOutbound),
    );
    assert.same(counting(20), octetsOf(taken[0].frame, HEADROOM_BYTES, 20));
    assert.equal(1, queue.count());
    assert.equal(0, queue.take(KEY).length);
  });

  it("refuses more packets for one key than it may hold, and takes others still", () => {
    const queue = new HoldQueue();
    for (const _ of $range(1, PER_KEY_MAX)) assert.is_true(queue.hold(KEY, true, packet(20), 20, 0));
    assert.is_false(queue.hold(KEY, true, packet(20), 20, 0));
    assert.is_true(queue.hold(OTHER_KEY, true, packet(20), 20, 0));
  });

  it("refuses more bytes in all than a small board can spare, until some are taken", () => {
    const queue = new HoldQueue();
    const large = packet(65535);
    let held = 0;
    for (const key of $range(1, 20)) held += queue.hold(key, true, large, 65535, 0) ? 1 : 0;
    assert.equal(9, held);
    queue.take(1);
    assert.is_true(queue.hold(30, true, large, 65535, 0));
  });

  it("keeps room for others, however many keys a client fills", () => {
    const queue = new HoldQueue();
    const full = packet(1500);
    for (const _ of $range(1, PER_KEY_MAX)) {
      for (const key of $range(1, CLIENT_KEYS)) queue.hold(key, true, full, 1500, 0);
    }
    let held = 0;
    while (queue.hold(CLIENT_KEYS + 1, true, full, 1500, 0)) held += 1;
    assert.is_true(held >= 8, `${held} packets of another one`);
  });

  it("gives up what waited too long, and only that", () => {
    const queue = new HoldQueue();
    queue.hold(KEY, true, packet(20), 20, 1000);
    queue.hold(OTHER_KEY, true, packet(20), 20, 5000);
    assert.equal(0, queue.expire(1000 + HOLD_MS - 1));
    assert.equal(1, queue.expire(1000 + HOLD_MS));
    assert.equal(1, queue.count());
    assert.equal(1, queue.takeAll().length);
    assert.equal(0, queue.count());
  });
});
