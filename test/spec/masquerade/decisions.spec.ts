// SPDX-License-Identifier: GPL-2.0-only
// The memory of decisions: bounded, and a flood of one kind leaves the others alone.

import { Decisions, DECISIONS_PER_REASON } from "../../../src/masquerade/decisions";

const all = (): boolean => true;

describe("decisions", () => {
  it("are told with the latest first", () => {
    const decisions = new Decisions();
    decisions.note(1, "esp-first", 1, 2, 3);
    decisions.note(5, "esp-bound", 1, 2, 4, "by its answer");
    const [latest, before] = decisions.latest(all);
    assert.same(
      {
        reason: "esp-bound",
        client: 1,
        server: 2,
        spi: 4,
        text: "by its answer",
        firstMs: 5,
        atMs: 5,
        count: 1,
      } as const,
      latest,
    );
    assert.equal("esp-first", before.reason);
  });

  it("are counted when they repeat", () => {
    const decisions = new Decisions();
    for (const atMs of $range(1, 20)) decisions.note(atMs, "esp-waiting", 1, 2, 3);
    const found = decisions.latest(all);
    assert.equal(1, found.length);
    assert.equal(20, found[0].count);
    assert.equal(1, found[0].firstMs);
    assert.equal(20, found[0].atMs);
  });

  it("of routine are not kept", () => {
    const decisions = new Decisions();
    decisions.note(1, "esp-established", 1, 2, 3);
    assert.same([], decisions.latest(all));
  });

  it("of one reason cannot push out another's", () => {
    const decisions = new Decisions();
    decisions.note(1, "esp-bound", 1, 2, 3);
    for (const spi of $range(1, 1000)) decisions.note(1 + spi, "esp-unknown-spi", 0, 2, spi);
    const found = decisions.latest(all);
    assert.equal(DECISIONS_PER_REASON + 1, found.length);
    assert.equal(1000, found[0].spi);
    assert.equal("esp-bound", found[found.length - 1].reason);
  });
});
