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

async function historySays(bench: Bench, pattern: RegExp): Promise<void> {
  const endMs = performance.now() + RETURN_LIMIT_MS;
  while ((await bench.latestHistory(pattern)) === "") {
    assert.ok(performance.now() < endMs, `the history should say ${String(pattern)}`);
    await sleep(LOOK_MS);
  }
}

/** Longer than the guard waits for a router at a start, and then for one that is silent (board-guard). */
const LONGER_THAN_PATIENCE_MS = 75_000;

/** Gives the board a configuration that no router takes, and whatever else; what it had comes back after the work. */
async function withRefusedConfiguration(bench: Bench, orders: string, work: () => Promise<void>): Promise<void> {
  await bench.run(`cp /etc/vpnmasq.json /overlay/kept.json; echo '{ "lan": 7 }' >/etc/vpnmasq.json; ${orders}; sync`);
  await work();
  await bench.run("cp /overlay/kept.json /etc/vpnmasq.json; rm /overlay/kept.json; sync");
}

/** What a command says, as if the console had all the columns that it takes. */
async function unbroken(bench: Bench, command: string): Promise<string> {
  return (await bench.run(`${command}; true`)).replace(/\s+/g, " ");
}

/** What a person reads who logs in. */
const loginText = (bench: Bench): Promise<string> => unbroken(bench, "console-login </dev/null 2>&1");
const healthText = (bench: Bench): Promise<string> => unbroken(bench, "vpnmasq health");

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
    sentence: "a configuration that the router refuses is told, and the last good one is used",
    run: async (bench) => {
      await bench.confirmed((await bench.bootState()).running);
      const { resets } = bench.board;
      await withRefusedConfiguration(bench, "sv restart /run/service/router", async () => {
        await historySays(bench, /the router refused/);
        await routerIsBack(bench);
      });
      assert.equal(
        await bench.latestHistory(/router/),
        "the router refused /etc/vpnmasq.json (vpnmasq check); the last good one is used until it is changed",
      );
      assert.equal(bench.board.resets, resets, "the board was reset");
      await bench.run("sv restart /run/service/router");
      await routerIsBack(bench);
      assert.match(await bench.run(`tr '\\0' ' ' </proc/${ROUTER}/cmdline`), /router --config \/etc\/vpnmasq\.json/);
      return undefined;
    },
  },
  {
    sentence: "without a good configuration the router cannot start, and a confirmed slot is not reset for that",
    run: async (bench) => {
      await withRefusedConfiguration(bench, "rm /overlay/vpnmasq.good.json", async () => {
        await bench.restartBy("reboot");
        const { resets } = bench.board;
        await historySays(bench, /the router ended with status 78/);
        await sleep(LONGER_THAN_PATIENCE_MS);
        assert.equal(bench.board.resets, resets, "the board was reset");
      });
      await routerIsBack(bench);
      return undefined;
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
      assert.match(await healthText(bench), /board: started slot-[ab] after: watchdog: the router was wedged/);
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
