// SPDX-License-Identifier: GPL-2.0-only
// Two clients that renew together, over many orders of the messages and packets: how long one is ever silent.

import { Random } from "../random";
import { Renewals, type RenewalsOptions } from "./esp-renewals";
import { ALICE, BOB } from "./esp-site";

const SLOW_DAEMONS: RenewalsOptions = { clients: [ALICE, BOB], latencyMs: 10, daemonMs: 100, isPushing: false };

function renewThrice(seed: number, options: RenewalsOptions): Renewals {
  const world = new Renewals(new Random(seed * 7919), options);
  world.run(1000);
  for (const _ of $range(1, 3)) {
    world.renewAll();
    world.run(6000);
  }
  return world;
}

describe("Two clients that renew together by IKEv1", () => {
  it("are never silent for long, though the server answers more than Nout packets on their old epochs", () => {
    let held = 0;
    for (const seed of $range(1, 40)) {
      const world = renewThrice(seed, SLOW_DAEMONS);
      assert.is_true(world.longestSilenceMs() < 500, `seed ${seed}: silent for ${world.longestSilenceMs()} ms`);
      held += world.router.count("esp-outstanding-limit");
    }
    assert.is_true(held > 0, "this world is to show clients that send more than Nout");
  });

  it("are never silent for long, though the server uses either's new epoch first, and share what is in doubt", () => {
    let shared = 0;
    for (const seed of $range(1, 20)) {
      const world = renewThrice(seed, { ...SLOW_DAEMONS, isPushing: true });
      assert.is_true(world.longestSilenceMs() < 500, `seed ${seed}: silent for ${world.longestSilenceMs()} ms`);
      shared += world.router.count("esp-shared");
    }
    assert.is_true(shared > 0, "this world is to show epochs in doubt");
  });
});
