// SPDX-License-Identifier: GPL-2.0-only
// No client takes more than its limit, and in a full table those above an equal share give way to those below.

import { Quota } from "../../../src/masquerade/quota";
import { Random } from "../random";

function filled(totalMax: number, perClientMax: number, ...held: number[]): Quota {
  const quota = new Quota(totalMax, perClientMax);
  held.forEach((count, client) => {
    for (const _ of $range(1, count)) quota.add(client);
  });
  return quota;
}

describe("A quota", () => {
  it("counts records of each client and in all", () => {
    const quota = filled(10, 4, 3, 1);
    assert.equal(3, quota.of(0));
    assert.equal(1, quota.of(1));
    assert.equal(0, quota.of(2));
    assert.equal(4, quota.inUse());
    assert.equal(2, quota.clientCount());
  });

  it("says when a client or the table is full", () => {
    const quota = filled(5, 4, 4);
    assert.is_true(quota.isClientFull(0));
    assert.is_false(quota.isClientFull(1));
    assert.is_false(quota.isFull());
    quota.add(1);
    assert.is_true(quota.isFull());
    quota.remove(0);
    assert.is_false(quota.isFull());
    assert.is_false(quota.isClientFull(0));
  });

  it("forgets a client with its last record", () => {
    const quota = filled(10, 4, 1);
    quota.remove(0);
    assert.equal(0, quota.clientCount());
    assert.equal(0, quota.inUse());
  });

  it("makes those above an equal share give way, to those below one", () => {
    const quota = filled(8, 8, 6, 2);
    assert.is_true(quota.givesWay(0, 1));
    assert.is_false(quota.givesWay(1, 0));
    assert.is_true(quota.givesWay(0, 2));
    assert.is_false(quota.givesWay(1, 2), "two of eight among three is no more than a share");
  });

  it("owes nothing to a client that has its share", () => {
    assert.is_false(filled(8, 8, 4, 4).givesWay(0, 1));
  });

  it("counts a newcomer among those who share, so that equal shares do not lock it out", () => {
    assert.is_true(filled(8, 8, 4, 4).givesWay(0, 2));
  });

  it("owes nothing when there are more clients than places", () => {
    assert.is_false(filled(2, 2, 1, 1).givesWay(0, 2));
  });

  it("has right sums after any sequence of additions and removals", () => {
    const random = new Random(11);
    const quota = new Quota(1000, 1000);
    const model: number[] = [0, 0, 0, 0, 0];
    for (const _ of $range(1, 2000)) {
      const client = random.below(model.length);
      if (random.below(2) === 0) {
        quota.add(client);
        model[client] += 1;
      } else if (model[client] > 0) {
        quota.remove(client);
        model[client] -= 1;
      }
      for (const other of $range(0, model.length - 1)) assert.equal(model[other], quota.of(other));
      const total = model.reduce((sum, count) => sum + count, 0);
      assert.equal(total, quota.inUse());
      assert.equal(model.filter((count) => count > 0).length, quota.clientCount());
    }
  });
});
