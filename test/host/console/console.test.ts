// SPDX-License-Identifier: GPL-2.0-only
// The console tool at real shells behind a pty and a unix socket: commands, lines, the log, a person, and mistakes.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { consoleTool, Ends, LOADER_STAND_IN, OPENWRT_SHELL } from "./ends.js";

const BOARD = "gl-mt300n-v2";
const TOOL_FAILED = 125;

describe("the console of a board", () => {
  const ends = new Ends();
  let socket = "";
  before(async () => {
    socket = await ends.socket(OPENWRT_SHELL);
  });
  after(() => {
    ends.close();
  });

  it("runs a command over a pty: its output, its status", async () => {
    const port = await ends.pty(OPENWRT_SHELL);
    const { stdout, status } = await consoleTool(BOARD, "--port", port, "--run", "echo one; echo two; exit 3");
    assert.deepEqual({ stdout, status }, { stdout: "one\ntwo\n", status: 3 });
  });

  it("runs a command over a unix socket, and tells it as JSON", async () => {
    const { stdout } = await consoleTool(BOARD, "--port", `unix:${socket}`, "--run", "printf 'a b'; false", "--json");
    const expected = { board: BOARD, command: "printf 'a b'; false", status: 1, output: "a b" };
    assert.deepEqual(JSON.parse(stdout), expected);
  });

  it("says what came when a command does not end in time", async () => {
    const words = ["--port", socket, "--run", "echo early; sleep 60", "--timeout", "1"];
    const { status, stderr } = await consoleTool(BOARD, ...words);
    assert.equal(status, TOOL_FAILED);
    assert.match(stderr, /the end of "echo early; sleep 60" did not come within 1 s/);
    assert.match(stderr, /\| early/);
  });

  it("refuses a command that a console's line cannot hold", async () => {
    const { status, stderr } = await consoleTool(BOARD, "--port", socket, "--run", "x".repeat(1000));
    assert.equal(status, TOOL_FAILED);
    assert.match(stderr, /at most 900 characters; this\s+one has\s+1000/);
  });

  it("sends a line to a boot loader and prints what came up to what was expected", async () => {
    const port = await ends.pty(LOADER_STAND_IN);
    const words = ["--port", port, "--send", "version", "--expect", "U-Boot ([0-9.]+)", "--json"];
    const { stdout, status } = await consoleTool(BOARD, ...words);
    assert.equal(status, 0);
    assert.deepEqual((JSON.parse(stdout) as { groups: string[] }).groups, ["2023.01"]);
  });

  it("runs no command at a boot loader's prompt", async () => {
    const port = await ends.pty(LOADER_STAND_IN);
    const { status, stderr } = await consoleTool(BOARD, "--port", port, "--run", "true");
    assert.equal(status, TOOL_FAILED);
    assert.match(stderr, /at the boot loader's prompt/);
  });

  it("adds each line to the log with its time", async () => {
    const log = path.join(ends.folder, "logs/board.log");
    await consoleTool(BOARD, "--port", socket, "--run", "echo logged", "--log", log);
    assert.match(fs.readFileSync(log, "utf8"), /^\d{4}-\d\d-\d\dT[\d:.]+Z logged$/m);
  });

  it("joins a terminal and the board until Ctrl-]", async () => {
    const command = `node build/host/src/host/console/main.js ${BOARD} --port ${socket}`;
    const terminal = ends.start("socat", "-", `EXEC:${command},pty,stderr,setsid,ctty`);
    let shown = "";
    terminal.stdout?.setEncoding("utf8").on("data", (text: string) => (shown += text));
    const ended = new Promise((resolve) => terminal.once("close", resolve));
    const type = async (text: string, answer: RegExp): Promise<void> => {
      terminal.stdin?.write(text);
      for (let attempt = 0; attempt < 100 && !answer.test(shown); attempt += 1) await sleep(50);
      assert.match(shown, answer);
    };
    await type("", /Console of GL\.iNet GL-MT300N-V2 at .*\. Leave with Ctrl-\]\./);
    await type("\r", /Please press Enter/);
    await type("\r", /root@OpenWrt/);
    await type("echo $((6 * 7))\r", /42/);
    await type("\x1d", /Console: left\./);
    await ended;
  });
});

describe("a console that cannot be used", () => {
  const ends = new Ends();
  after(() => {
    ends.close();
  });

  async function refusal(...words: string[]): Promise<string> {
    const { status, stderr } = await consoleTool(...words);
    assert.equal(status, TOOL_FAILED);
    assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
    return stderr;
  }

  it("is not there: what there is", async () => {
    assert.match(
      await refusal(BOARD, "--port", "/dev/ttyUSB77"),
      /no \/dev\/ttyUSB77\. This machine has.*\n.*Accepted:/s,
    );
  });

  it("is a folder or a file", async () => {
    assert.match(await refusal(BOARD, "--port", "/tmp"), /\/tmp is a folder, no console/);
    assert.match(await refusal(BOARD, "--port", "/etc/passwd"), /is a file, no console/);
  });

  it("is in use by another program", async () => {
    const port = await ends.pty(OPENWRT_SHELL);
    const mark = path.join(ends.folder, "locked");
    ends.start("flock", port, "sh", "-c", `touch ${mark}; sleep 60`);
    await ends.appearance(mark);
    assert.match(await refusal(BOARD, "--port", port, "--run", "true"), /is in use by another program\. Who: fuser -v/);
  });

  it("is a socket that nobody listens at", async () => {
    assert.match(
      await refusal(BOARD, "--port", "tcp:127.0.0.1:9"),
      /127\.0\.0\.1:9 could not be reached.*\nIs the board/,
    );
  });

  it("is asked for with an option that there is not", async () => {
    assert.match(await refusal(BOARD, "--prot", "x"), /no option --prot\. Did you mean --port\?/);
    assert.match(await refusal(BOARD, "--log", "--json"), /--log needs a value: --log FILE/);
    assert.match(await refusal(BOARD, "--json=yes"), /--json takes no value/);
    assert.match(await refusal(BOARD, "--timeout", "soon"), /--timeout soon: a number of seconds above 0/);
    assert.match(
      await refusal(BOARD, "--port", "tcp:h:1", "--send", "x", "--expect", "("),
      /--expect \(: Invalid regular/,
    );
  });
});
