// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq watch` and `vpnmasq banner` on a real terminal (a pty of script(1)): the terminal is left as it was, whatever
// ends them, and a router that is lost or hangs is said so.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

const PROGRAM = `package.path = "./?.lua;" .. package.path os.exit(require("src.app.main").main(arg))`;
const PATIENCE_MS = 8000;

/** Answers as a router does, as far as watch asks; it says so itself: a stand-in, for a router needs a network. */
class StandInRouter {
  readonly server: net.Server;
  /** Takes connections and says nothing, as a hung program. */
  hangs = false;
  framesIn = 0;

  constructor(socket: string) {
    this.server = net.createServer((connection) => {
      connection.on("error", () => undefined);
      connection.on("data", (bytes) => {
        if (!this.hangs)
          connection.write(`${JSON.stringify(this.answer(JSON.parse(String(bytes)) as { command: string }))}\n`);
      });
    });
    this.server.listen(socket);
  }

  private answer({ command }: { command: string }): unknown {
    if (command === "health") return { health: "ok", reason: "none", meaning: "forwarding" };
    if (command === "table") return { table: "esp", now_ms: 0, total: 0, capacity: 4096, offset: 0, items: [] };
    this.framesIn += 1;
    const link = { name: "eth0", present: true, up: true, address: "192.0.2.1", mtu_bytes: 1500, frames_in: 1 };
    const counts = { frames_out: 1, bytes_in: this.framesIn * 1000, bytes_out: 1, dropped: 0 };
    return {
      version: "0.1.0",
      uptime_ms: this.framesIn * 1000,
      scope: "vpn",
      lan: { ...link, ...counts },
      wan: { ...link, ...counts },
      esp: { total: 0, capacity: 4096, established: 3, outstanding: 0, waiting: 0 },
      ike: { total: 2, capacity: 1024 },
      held_packets: 0,
    };
  }
}

describe("a command on a terminal", () => {
  let folder = "";
  let socket = "";
  let router: StandInRouter | undefined;
  let terminal: ChildProcess | undefined;
  let seen = "";

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-watch-"));
    socket = path.join(folder, "control.sock");
    fs.writeFileSync(path.join(folder, "main.lua"), PROGRAM);
    router = new StandInRouter(socket);
  });
  afterEach(async () => {
    terminal?.kill("SIGKILL");
    await closeRouter();
    fs.rmSync(folder, { recursive: true });
  });

  async function closeRouter(): Promise<void> {
    const server = router?.server;
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
  }

  /** Runs a command in a shell on a terminal that notes its settings before and after. */
  function start(command: string): void {
    seen = "";
    const vpnmasq = `dash -c 'echo $$ >${folder}/pid; exec luajit ${folder}/main.lua --control ${socket} ${command}'`;
    const settings = (when: string): string => `stty -a >${folder}/${when}`;
    // The size is set, as a pipe has none. A shell without job control mends no settings by itself.
    fs.writeFileSync(
      path.join(folder, "session"),
      `stty rows 24 columns 80; ${settings("before")}\n${vpnmasq}\n${settings("after")}\n`,
    );
    const started = spawn("script", ["-qefc", `dash ${folder}/session`, "/dev/null"], { cwd: "build/lua" });
    terminal = started;
    // What an earlier terminal still says is not this one's.
    started.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (started === terminal) seen += text;
    });
  }

  /** Runs a command on a terminal to its end; all that it said, once the terminal is closed and nothing can follow. */
  async function whole(command: string): Promise<string> {
    start(command);
    let closed = false;
    terminal?.on("close", () => (closed = true));
    await until(() => closed, "the command's end");
    return seen;
  }

  async function until(condition: () => boolean, what: string): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > endMs) assert.fail(`${what} did not come; seen: ${JSON.stringify(seen.slice(-600))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const sees = (text: string): Promise<void> => until(() => seen.includes(text), `"${text}"`);

  async function expectRestored(): Promise<void> {
    await until(() => fs.existsSync(path.join(folder, "after")), "the shell after it");
    await new Promise((resolve) => setTimeout(resolve, 100));
    // All but the size, which is the terminal's own.
    const settings = ["before", "after"].map((when) =>
      fs.readFileSync(path.join(folder, when), "utf8").replace(/rows \d+; columns \d+;/, ""),
    );
    assert.equal(settings[1], settings[0]);
    assert.ok(seen.includes("\x1b[r\x1b[?25h"), "the whole screen scrolls again, and the cursor is seen");
  }

  it("shows health and links, live, and q leaves the terminal as it was", async () => {
    start("watch");
    await sees("ok: forwarding");
    await sees("ESP 3 up");
    await sees(" B/s");
    terminal?.stdin?.write("q");
    await expectRestored();
  });

  it("sends little: a line of 115200 baud is never busy with it", async () => {
    start("watch");
    await sees("ESP 3 up");
    const before = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const bytesPerSecond = (seen.length - before) / 5;
    assert.ok(bytesPerSecond < 200, `${String(bytesPerSecond)} bytes a second`);
    terminal?.stdin?.write("\x03");
    await expectRestored();
  });

  for (const signal of ["TERM", "HUP", "INT"]) {
    it(`leaves the terminal as it was when SIG${signal} ends it`, async () => {
      start("watch");
      await sees("ok: forwarding");
      process.kill(Number(fs.readFileSync(path.join(folder, "pid"), "utf8")), `SIG${signal}`);
      await expectRestored();
    });
  }

  it("says that the router is gone, and goes on when it is back", async () => {
    start("watch");
    await sees("ok: forwarding");
    await closeRouter();
    fs.rmSync(socket, { force: true });
    await sees("absent: no vpnmasq router answers");
    seen = "";
    router = new StandInRouter(socket);
    await sees("ESP 3 up");
    terminal?.stdin?.write("q");
    await expectRestored();
  });

  it("says that the router hangs, and still obeys keys", async () => {
    start("watch");
    await sees("ok: forwarding");
    if (router !== undefined) router.hangs = true;
    await sees("wedged: ");
    terminal?.stdin?.write("q");
    await expectRestored();
  });

  it("follows a terminal that changes its size", async () => {
    start("watch");
    await sees("ok: forwarding");
    const pid = fs.readFileSync(path.join(folder, "pid"), "utf8").trim();
    const tty = fs.readlinkSync(`/proc/${pid}/fd/0`);
    seen = "";
    spawnSync("stty", ["-F", tty, "rows", "40", "columns", "100"]);
    await sees("\x1b[39;40r");
    terminal?.stdin?.write("q");
    await expectRestored();
  });

  it("cuts a long text to the screen and says how much is left out, unless all is asked for", async () => {
    const lines = (await whole("check --keys")).trimEnd().split("\r\n");
    assert.equal(lines.length, 23);
    const [, more = ""] = /^\((\d+) more lines: --all shows them\)$/.exec(lines.at(-1) ?? "") ?? [];
    assert.equal((await whole("check --keys --all")).trimEnd().split("\r\n").length, 22 + Number(more));
  });

  it("refuses to watch without a terminal, and says what serves programs", () => {
    const words = [`${folder}/main.lua`, "--control", socket, "watch"];
    const { status, stderr } = spawnSync("luajit", words, { cwd: "build/lua", encoding: "utf8", input: "" });
    assert.equal(status, 1);
    assert.match(stderr, /standard input is no terminal; see vpnmasq status --json/);
  });

  it("never keeps a login waiting: the banner ends well within two seconds of a router that hangs", () => {
    if (router !== undefined) router.hangs = true;
    const startMs = performance.now();
    const words = [`${folder}/main.lua`, "--control", socket, "banner"];
    // In another process the stand-in could not answer while this one waits; hanging needs no answer.
    const { status, stdout } = spawnSync("luajit", words, { cwd: "build/lua", encoding: "utf8" });
    assert.equal(status, 0);
    assert.match(stdout, /^vpnmasq 0\.1\.0: wedged: /);
    assert.ok(performance.now() - startMs < 2000);
  });
});
