// SPDX-License-Identifier: GPL-2.0-only
// `npm run console -- BOARD --support FILE`: over a pty, from a running router behind a shell, with other messages in the
// middle of its lines.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, it } from "node:test";
import { consoleTool, Ends, type Noise, OPENWRT_SHELL, type Outcome } from "./ends.js";

const BOARD = "gl-mt300n-v2";
const TOOL_FAILED = 125;
const BOARD_SCRIPT = path.resolve("test/host/console/support-board.sh");
const KERNEL_MESSAGE = "[  123.456789] br-lan: port 1(eth0) entered blocking state\r\n";
/** So that a round whose end is spoiled does not take long. */
const ROUND_SECONDS = "2";

/** Kernel messages between characters of the bundle, the next one after `gap` characters, and so on, more and more rarely. */
function kernelMessages(gap: number, growth: number): Noise {
  let isBundle = false;
  let left = gap;
  let wait = gap;
  return (text) => {
    isBundle ||= text.includes("VM1S");
    if (!isBundle) return text;
    let noisy = "";
    for (const character of text) {
      noisy += character;
      left -= 1;
      if (left > 0) continue;
      noisy += KERNEL_MESSAGE;
      wait *= growth;
      left = Math.round(wait);
    }
    return noisy;
  };
}

describe("the support bundle over a console", () => {
  const ends = new Ends();
  const file = path.join(ends.folder, "bundle.json");
  const router = `exec unshare --net --mount-proc --pid --kill-child -- sh ${BOARD_SCRIPT} ${process.cwd()} ${ends.folder}\n`;
  after(() => {
    ends.close();
  });

  function collect(port: string, ...words: string[]): Promise<Outcome> {
    return consoleTool(BOARD, "--port", port, "--support", file, "--timeout", ROUND_SECONDS, ...words);
  }

  /** The saved bundle is the router's own, whole. */
  function checkBundle(): void {
    const bundle = JSON.parse(fs.readFileSync(file, "utf8")) as { version: string; problem?: string };
    assert.equal(bundle.version, "0.1.0");
    assert.equal(bundle.problem, undefined);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    fs.rmSync(file);
  }

  it("is saved whole, for its owner only", async () => {
    const { status, stdout, stderr } = await collect(await ends.pty(router));
    assert.equal(status, 0, stderr);
    assert.match(stdout.replaceAll(/\s+/g, " "), /bundle\.json is saved: \d+ lines over the console in [\d.]+ s\. $/);
    checkBundle();
  });

  it("is asked for again where kernel messages came into its lines", async () => {
    const { status, stdout, stderr } = await collect(await ends.noisyPty(router, kernelMessages(150, 1.1)), "--json");
    assert.equal(status, 0, stderr);
    const { rounds, spoiledLines } = JSON.parse(stdout) as { rounds: number; spoiledLines: number };
    assert.ok(rounds > 1 && spoiledLines > 3, stdout);
    checkBundle();
  });

  it("is not saved when messages never leave a line whole: how it comes otherwise", async () => {
    const { status, stderr } = await collect(await ends.noisyPty(router, kernelMessages(40, 1)));
    assert.equal(status, TOOL_FAILED);
    assert.match(stderr, /Other messages on the console spoiled.*\nNothing was saved\. By ssh/s);
    assert.ok(!fs.existsSync(file));
  });

  it("is not there on a board without vpnmasq: what its shell says", async () => {
    const { status, stderr } = await collect(await ends.pty(OPENWRT_SHELL));
    assert.equal(status, TOOL_FAILED);
    assert.match(stderr, /vpnmasq support --wire ended with status 127:.*vpnmasq: not found/s);
  });

  it("is refused a place before anything is sent", async () => {
    const port = await ends.pty(OPENWRT_SHELL);
    const folder = await consoleTool(BOARD, "--port", port, "--support", ends.folder);
    assert.match(folder.stderr, /cannot be saved as .*: it is\s+a folder\s+Nothing was sent/);
    const missing = await consoleTool(BOARD, "--port", port, "--support", "/none/bundle.json");
    assert.match(missing.stderr, /no such file or\s+directory.*\s+Nothing was sent/);
    const two = await consoleTool(BOARD, "--port", port, "--support", file, "--run", "true");
    assert.match(two.stderr, /--run and --support go alone/);
  });
});
