// SPDX-License-Identifier: GPL-2.0-only
// The supervisor at a real board's console and reset line: it ends what the board's own watchdog does not, and keeps off
// while the board starts or is written to.
//
// The microcontroller runs the file that is flashed to it, build/supervisor.js, on Espruino where VPNMASQ_ESPRUINO names
// an interpreter for Linux, else on a stand-in (test/supervisor/host/interpreter.ts).

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { flashBoard } from "../../../src/host/flash/emulated.js";
import { UBoot } from "../../../src/host/flash/u-boot.js";
import type { Bench } from "./bench.js";
import { type Check, timed } from "./check.js";
import { firstForwarded, givePermanentAddress } from "./first-packet.js";
import { Supervision } from "./supervision.js";

/** Of the software watchdog: it only says that it would have reset the board (modinfo softdog). */
const DISARM = "echo 'options softdog soft_noboot=1' >>/etc/modprobe.d/board.conf";
const TELL_CONSOLE = "sed -i s/CONSOLE_HEARTBEAT=.*/CONSOLE_HEARTBEAT=yes/ /etc/board.conf";
const ROUTER = "$(cat /run/service/router/supervise/pid)";

/** Less patient than usual, so that a check takes seconds. A busy machine takes 30 s from the kernel to the heartbeats. */
const HASTY = { graceMs: 60_000, silenceMs: 10_000 };
/** Longer than a supervisor waits that was told nothing. */
const LONGER_THAN_SILENCE_MS = 13_000;
/** The same for a board that is being flashed, where nothing starts. U-Boot's commands have 30 s. */
const AT_BOOT_LOADER = { graceMs: 20_000 };
const LONGER_THAN_GRACE_MS = 23_000;
/** From a start to the first heartbeat, or from the last heartbeat to the reset, on a busy machine. */
const CHANGE_LIMIT_MS = 150_000;
const LOOK_MS = 500;

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + CHANGE_LIMIT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < endMs, `${what} within ${CHANGE_LIMIT_MS / 1000} s`);
    await sleep(LOOK_MS);
  }
}

/** Wires a supervisor to the board that has power now, for as long as the work takes. */
async function supervised(bench: Bench, limits: object, work: (at: Supervision) => Promise<void>): Promise<void> {
  const supervision = await Supervision.begin(bench.board, { ...limits });
  try {
    await work(supervision);
  } catch (problem) {
    const log = await supervision.answer("log");
    throw new Error(`${String(problem)}\nThe supervisor made ${supervision.resets()} resets; its log:\n${log}`);
  } finally {
    await supervision.end();
  }
}

/** The supervisor hears heartbeats. */
async function beating(supervision: Supervision): Promise<void> {
  const status = async (): Promise<boolean> => /^board +beating/m.test(await supervision.answer("status"));
  await until(status, "the supervisor should hear the board's heartbeats");
}

/** The supervisor hears the boot loader's prompt: what came before its port was open is lost to it. */
async function hearingBootLoader(bench: Bench, supervision: Supervision): Promise<void> {
  const status = async (): Promise<boolean> => {
    bench.board.console.sendLine("");
    return /^board +boot-loader/m.test(await supervision.answer("status"));
  };
  await until(status, "the supervisor should hear the boot loader");
}

/** Holds the board where it is, for a time in which a supervisor that knew nothing would have reset it. */
async function dawdle(bench: Bench, lengthMs: number): Promise<void> {
  await bench.board.freeze();
  await sleep(lengthMs);
  await bench.board.thaw();
}

export const SUPERVISOR: readonly Check[] = [
  {
    sentence:
      "a board whose router hangs and whose own watchdog does nothing is reset by the supervisor and forwards again",
    run: async (bench) => {
      await bench.run(`${TELL_CONSOLE}; ${DISARM}; sync`);
      await givePermanentAddress(bench);
      await bench.restartBy("reboot");
      let seconds = 0;
      await supervised(bench, {}, async (supervision) => {
        await beating(supervision);
        await bench.run(`kill -STOP ${ROUTER}`);
        seconds = await timed(async () => {
          await until(() => supervision.resets() === 1, "the supervisor should reset the board");
          await firstForwarded(bench, performance.now());
        });
        await bench.shell();
        // The board's guard has written down what it saw; had its watchdog acted, there would be a panic's word too.
        assert.match(await bench.latestHistory(/started/), /after: watchdog: the router was wedged: no-answer[^(]*$/);
        await beating(supervision);
        assert.match(await supervision.answer("log"), /^1 .* silent, last heartbeat \d+/m);
        assert.equal(supervision.resets(), 1, "one reset was enough");
      });
      return { supervisor_hung_router_to_forwarding: { value: seconds, unit: "s" } };
    },
  },
  {
    sentence: "a supervisor resets a board that hangs in its start, and not one that is only slow",
    run: async (bench) => {
      await supervised(bench, HASTY, async (supervision) => {
        await beating(supervision);
        bench.board.console.discard();
        bench.board.console.sendLine("reboot");
        await bench.board.console.expect(/Starting kernel/, CHANGE_LIMIT_MS, "a new start");
        await dawdle(bench, LONGER_THAN_SILENCE_MS);
        await bench.shell();
        await beating(supervision);
        assert.equal(supervision.resets(), 0, "a slow start was taken for a dead one");
        bench.board.console.sendLine("reboot");
        await bench.board.console.expect(/Starting kernel/, CHANGE_LIMIT_MS, "a new start");
        await bench.board.freeze();
        await until(() => supervision.resets() === 1, "the supervisor should end a start that hangs");
        await bench.board.thaw();
        await bench.restarted();
        await beating(supervision);
      });
      return undefined;
    },
  },
  {
    sentence:
      "a supervisor leaves a board alone that is written to, from within Linux and by U-Boot, however long it takes",
    run: async (bench) => {
      await supervised(bench, HASTY, async (supervision) => {
        await beating(supervision);
        bench.board.console.discard();
        bench.board.console.sendLine(`board-upgrade ${await bench.url("slot.itb")}`);
        await bench.board.console.expect(/Writing \S+ into/, CHANGE_LIMIT_MS, "the upgrade");
        await dawdle(bench, LONGER_THAN_SILENCE_MS);
        await bench.restarted();
        await beating(supervision);
        assert.equal(supervision.resets(), 0, "a board that upgraded itself was reset");
      });
      const board = await bench.powerOnForFlashing();
      // A microcontroller takes longer to start than U-Boot waits for a key.
      await UBoot.stop(board.console);
      await supervised(bench, AT_BOOT_LOADER, async (supervision) => {
        await hearingBootLoader(bench, supervision);
        let dawdled: Promise<void> | undefined;
        let resetsWhileFlashed = -1;
        await flashBoard(board, bench.image, (step) => {
          if (step.startsWith("write slot")) dawdled = dawdle(bench, LONGER_THAN_GRACE_MS);
          if (step.startsWith("start slot")) resetsWhileFlashed = supervision.resets();
        });
        await dawdled;
        assert.ok(dawdled, "the slot was not written to");
        assert.equal(resetsWhileFlashed, 0, "a board that was flashed was reset");
      });
      return undefined;
    },
  },
];
