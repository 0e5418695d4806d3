// SPDX-License-Identifier: GPL-2.0-only
// What goes wrong on a running board is mended without a person, and its cause can be read afterwards.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "./bench.js";
import { type Check, timed } from "./check.js";

const ROUTER = "$(cat /run/service/router/supervise/pid)";
const RETURN_LIMIT_MS = 60_000;
const LOOK_MS = 500;

/** Waits until the router says that it forwards. */
async function routerIsBack(bench: Bench): Promise<void> {
  const endMs = performance.now() + RETURN_LIMIT_MS;
  while (!(await bench.run("vpnmasq health; true")).startsWith("ok")) {
    assert.ok(performance.now() < endMs, "the router did not come back");
    await sleep(LOOK_MS);
  }
}

/** What a person reads who logs in, as if the console had all the columns that it takes. */
async function loginText(bench: Bench): Promise<string> {
  return (await bench.run("console-login </dev/null 2>&1; true")).replace(/\s+/g, " ");
}

export const RECOVERY: readonly Check[] = [
  {
    sentence: "a router that is killed is started again, and history and login say so",
    run: async (bench) => {
      await routerIsBack(bench);
      await bench.run(`kill -9 ${ROUTER}`);
      const seconds = await timed(() => routerIsBack(bench));
      assert.equal(await bench.latestHistory(/router/), "the router ended by signal 9; it is started again");
      assert.match(await loginText(bench), /ok: forwarding.*history: .*the router ended by signal 9/);
      return { killed_router_back: { value: seconds, unit: "s" } };
    },
  },
  {
    sentence: "a router that hangs makes the watchdog reset the board, and history and login say why",
    run: async (bench) => {
      const seconds = await timed(() => bench.restartBy(`kill -STOP ${ROUTER}`));
      const cause = await bench.latestHistory(/started/);
      assert.match(
        cause,
        /after: watchdog: the router was wedged: no-answer.*kernel panic: Software Watchdog Timer expired/,
      );
      assert.match(await loginText(bench), /history: .*after: watchdog: the router was wedged/);
      assert.match(await bench.run("cat /overlay/log/router/@* /overlay/log/router/current"), /router between/);
      return { hung_router_to_prompt: { value: seconds, unit: "s" } };
    },
  },
  {
    sentence: "a kernel that panics restarts, and history, login and the kernel's last words say why",
    run: async (bench) => {
      const seconds = await timed(() => bench.restartBy("echo c >/proc/sysrq-trigger"));
      assert.match(await bench.latestHistory(/started/), /after: kernel panic: sysrq triggered crash/);
      assert.match(await loginText(bench), /history: .*after: kernel panic: sysrq triggered crash/);
      assert.match(await bench.run("grep -c 'sysrq: Trigger a crash' /overlay/log/last-panic"), /^[1-9]/);
      return { panic_to_prompt: { value: seconds, unit: "s" } };
    },
  },
  {
    sentence: "a reset from outside, a power cut and a reboot are told apart",
    run: async (bench) => {
      bench.board.console.discard();
      await bench.board.reset();
      await bench.restarted();
      assert.match(await bench.latestHistory(/started/), /after: a reset from outside, without a word$/);
      await bench.restartBy("reboot");
      assert.match(await bench.latestHistory(/started/), /after: ordered$/);
      await bench.powerOn();
      await bench.shell();
      assert.match(await bench.latestHistory(/started/), /after: power was off$/);
      return undefined;
    },
  },
];
