// SPDX-License-Identifier: GPL-2.0-only
// The supervisor's file at work, seconds instead of minutes: what it hears on the console, what it does to the reset
// line, what it remembers and what it answers. interpreter.ts says on what it runs.

import assert from "node:assert/strict";
import fs from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { sealed } from "../../../src/heartbeat/checked-line.js";
import { heartbeatText } from "../../../src/heartbeat/heartbeat.js";
import { type Microcontroller, startMicrocontroller } from "./interpreter.js";

/** A board's console from power-on to its tenth heartbeat, with the kernel's messages in between: composed, not captured. */
const BOOT_CONSOLE = "test/supervisor/composed-boot.console";

const LIMITS = { graceMs: 5000, silenceMs: 2500, pauseFirstMs: 1000, bootLoaderMs: 4000, panicMs: 1500 };

const wait = (lengthMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, lengthMs));

describe("the supervisor on its microcontroller", () => {
  let board: Microcontroller;
  let sequence = 0;

  beforeEach(async () => {
    sequence = 0;
    board = await startMicrocontroller({ limits: LIMITS });
    await wait(600); // the program lets its uploader finish before it starts
  });
  afterEach(async () => {
    await board.end();
  });

  async function beat(seconds: number, health: "ok" | "wedged" = "ok"): Promise<void> {
    for (let times = 0; times < seconds; times += 1) {
      sequence += 1;
      const numbers = [{ name: "time", value: 1_795_422_000 }];
      board.print(`\r\n${sealed(heartbeatText({ sequence, health, reason: "none", numbers }))}\r\n`);
      await wait(1000);
    }
  }

  /** What it answers to a command, line by line. */
  async function answer(command: string): Promise<string[]> {
    const before = board.said().length;
    board.type(`${command}\n`);
    await wait(400);
    return board
      .said()
      .slice(before)
      .split(/\r?\n/)
      .filter((line) => line !== "" && line !== "> ");
  }

  it("takes no line of the boot loader for the kernel's or an upgrade's that only ends as theirs begin", async () => {
    board.print("\r\n=> iminfo\r\n     OS:           Linux\r\n     Created:      2023-11-14  22:13:20 UTC\r\n");
    await wait(1200);
    const [state] = await answer("status");
    assert.match(state ?? "", /^board +boot-loader/);
  });

  it("leaves a board alone that beats, and resets it when it falls silent", async () => {
    await beat(4);
    assert.equal(board.resets(), 0);
    await wait(4000);
    assert.equal(board.resets(), 1);
    const [entry] = await answer("log");
    assert.equal(entry, "1  2026-11-23 08:20 UTC  silent, last heartbeat 4");
  });

  it("resets a board that says it is wedged", async () => {
    await beat(4, "wedged");
    assert.equal(board.resets(), 1);
  });

  it("reads a console as a boot fills it: no reset while it boots, and heartbeats found among the kernel's messages", async () => {
    const text = fs.readFileSync(BOOT_CONSOLE, "latin1");
    // As a serial line of 115200 baud gives it: pieces that end anywhere, 115 characters in 10 ms.
    for (let at = 0; at < text.length; at += 115) {
      board.print(text.slice(at, at + 115));
      await wait(10);
    }
    await wait(300);
    const [phase, heartbeat, damaged] = await answer("status");
    assert.equal(phase, "board      beating");
    assert.match(heartbeat ?? "", /^heartbeat {2}10, [0-3] s ago: ok, none$/);
    assert.equal(damaged, "damaged    1 heartbeats");
    assert.equal(board.resets(), 0);
  });

  it("remembers its resets when its own power goes", async () => {
    await beat(2);
    await wait(4000);
    await board.restart();
    await wait(600);
    const lines = await answer("log");
    assert.match(lines[0] ?? "", /^1 .* silent, last heartbeat 2$/);
  });

  it("obeys hold, resume and reset", async () => {
    await beat(2);
    assert.deepEqual(await answer("hold 1"), ['held for 1 minutes; "resume" ends it']);
    await wait(4000);
    assert.equal(board.resets(), 0);
    assert.deepEqual(await answer("reset"), ["the board is reset"]);
    await wait(300);
    assert.equal(board.resets(), 1);
    assert.deepEqual(await answer("resume"), ["watching"]);
    assert.match((await answer("status"))[0] ?? "", /^board {6}starting/);
  });
});
