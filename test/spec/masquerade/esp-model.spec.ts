// SPDX-License-Identifier: GPL-2.0-only
// Tunnels that live, rekey and fail over many seeds: how long one is ever silent, and who gets what is not his.

import { Random } from "../random";
import { World, type WorldOptions } from "./esp-world";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Lets a world live for four minutes, with the table lost after two if it is to be. */
function live(seed: number, options: WorldOptions, isTableLost: boolean): World {
  const world = new World(new Random(seed * 65537), options);
  world.run(2 * MINUTE);
  if (isTableLost) world.loseTable();
  world.run(2 * MINUTE);
  return world;
}

const QUIET: WorldOptions = {
  clients: 4,
  servers: 2,
  lossPercent: 0,
  serverFirstPercent: 0,
  rekeyMs: 40 * SECOND,
  patienceMs: Infinity,
};

describe("Over many seeds", () => {
  for (const seed of $range(1, 12)) {
    it(`clients that send first are all heard, and nobody gets a stranger's packet (${seed})`, () => {
      const world = live(seed, QUIET, false);
      assert.is_true(world.delivered > 1000);
      assert.equal(0, world.misdelivered);
      assert.equal(0, world.strangersCopies);
      assert.is_true(world.longestSilenceMs < 10 * SECOND, `silent for ${world.longestSilenceMs} ms`);
    });
  }

  for (const seed of $range(1, 12)) {
    it(`loss costs tries, not tunnels (${seed})`, () => {
      const world = live(seed, { ...QUIET, lossPercent: 10 }, false);
      assert.equal(0, world.misdelivered);
      assert.is_true(world.longestSilenceMs < 30 * SECOND, `silent for ${world.longestSilenceMs} ms`);
    });
  }

  for (const seed of $range(1, 12)) {
    it(`a lost table is learned again from traffic alone (${seed})`, () => {
      const world = live(seed, { ...QUIET, lossPercent: 5 }, true);
      assert.is_true(world.longestSilenceMs < 30 * SECOND, `silent for ${world.longestSilenceMs} ms`);
    });
  }

  for (const seed of $range(1, 12)) {
    it(`servers that speak first, loss and a lost table together heal when clients rekey on silence (${seed})`, () => {
      const patienceMs = 15 * SECOND;
      const world = live(seed, { ...QUIET, clients: 6, lossPercent: 5, serverFirstPercent: 40, patienceMs }, true);
      assert.is_true(world.longestSilenceMs < 3 * patienceMs, `silent for ${world.longestSilenceMs} ms`);
      assert.is_true(world.delivered > 1000);
    });
  }

  it("a wrong guess lasts until the next rekey at most, with nobody's help (race 2 of draft-brustoloni-vma-00)", () => {
    let misdelivered = 0;
    for (const seed of $range(1, 12)) {
      const world = live(seed, { ...QUIET, clients: 6, lossPercent: 5, serverFirstPercent: 40 }, false);
      assert.is_true(
        world.longestSilenceMs < 2 * QUIET.rekeyMs + 10 * SECOND,
        `silent for ${world.longestSilenceMs} ms`,
      );
      misdelivered += world.misdelivered;
    }
    assert.is_true(misdelivered > 0, "this world is to show wrong guesses");
  });
});
