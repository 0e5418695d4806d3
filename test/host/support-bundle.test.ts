// SPDX-License-Identifier: GPL-2.0-only
// A support bundle over a console: collected among kernel messages, completed by asking again, refused when damaged.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { sealed } from "../../src/heartbeat/checked-line.js";
import { SupportCollector } from "../../src/host/console/support-bundle.js";

const RUN = `package.path = "./?.lua;" .. package.path
  os.exit(require("src.app.main").main(arg))`;
const KERNEL_MESSAGE = "[  123.456789] br-lan: port 1(eth0) entered blocking state\r\n";

describe("a support bundle over the console", () => {
  let folder = "";
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-support-"));
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** What the command prints on a terminal, which ends lines by CR and LF. */
  function board(command: string, environment: NodeJS.ProcessEnv = process.env): string {
    const words = command.split(" ").slice(1);
    const control = path.join(folder, "control.sock");
    // luajit - reads the program from its input and gives it the words behind.
    const output = execFileSync("luajit", ["-", "--control", control, ...words], {
      cwd: "build/lua",
      encoding: "utf8",
      env: environment,
      input: RUN,
    });
    return output.replaceAll("\n", "\r\n");
  }

  /** Text with kernel messages in every so many characters. */
  function interleaved(text: string, everyCharacters: number): string {
    const pieces = text.match(new RegExp(`[^]{1,${String(everyCharacters)}}`, "g")) ?? [];
    return pieces.join(KERNEL_MESSAGE);
  }

  it("arrives whole on a quiet console, in pieces of any size", () => {
    const collector = new SupportCollector();
    for (const piece of board("vpnmasq support --wire").match(/[^]{1,37}/g) ?? []) collector.takeText(piece);
    assert.ok(collector.isOver());
    assert.equal(collector.nextCommand(), undefined);
    const bundle = JSON.parse(collector.text()) as { version: string; problem: string };
    assert.equal(bundle.version, "0.1.0");
    assert.match(bundle.problem, /^no vpnmasq router answers at /);
  });

  it("is packed by the board's gzip, and goes as it is where there is none", () => {
    const tools = path.join(folder, "tools");
    fs.mkdirSync(tools);
    const luajit = execFileSync("sh", ["-c", "command -v luajit"], { encoding: "utf8" }).trim();
    fs.symlinkSync(luajit, path.join(tools, "luajit"));
    assert.match(board("vpnmasq support --wire"), /^VM1S begin \d+ \d+ [0-9a-f]{8} gzip\*/);
    const collector = new SupportCollector();
    const plain = board("vpnmasq support --wire", { PATH: tools });
    assert.match(plain, /^VM1S begin \d+ \d+ [0-9a-f]{8} plain\*/);
    collector.takeText(plain);
    assert.match(collector.text(), /"version":"0\.1\.0"/);
  });

  it("is completed by asking for the lines that kernel messages spoiled", () => {
    const collector = new SupportCollector();
    let command = collector.nextCommand();
    let rounds = 0;
    while (command !== undefined) {
      // Less often with each round, as on a console that comes to rest.
      collector.takeText(interleaved(board(command), 150 * (rounds + 1)));
      command = collector.nextCommand();
      rounds += 1;
      assert.ok(rounds < 20, "it never becomes whole");
    }
    assert.ok(rounds > 1 && collector.damaged > 0);
    assert.equal((JSON.parse(collector.text()) as { version: string }).version, "0.1.0");
  });

  it("says which lines are missing", () => {
    const collector = new SupportCollector();
    const lines = board("vpnmasq support --wire").split("\r\n");
    collector.takeText(lines.filter((_, index) => index !== 2 && index !== 4).join("\r\n"));
    assert.throws(() => collector.text(), /The support bundle is not whole: lines 2, 4 are missing/);
    assert.throws(() => new SupportCollector().text(), /its first line is missing/);
  });

  it("is refused when its lines are whole and the whole is not", () => {
    const collector = new SupportCollector();
    collector.takeText(board("vpnmasq support --wire"));
    collector.takeLine(sealed("VM1S 1 AAAA"));
    assert.throws(() => collector.text(), /damaged, though each of its lines is whole/);
  });
});
