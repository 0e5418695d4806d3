// SPDX-License-Identifier: GPL-2.0-only
// Flashing by ssh, against a real sshd with a stand-in for the board behind it (board-by-ssh.sh).

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { REVISION, writeSysupgrade } from "./images.js";

const FLASH = path.resolve("build/host/src/host/flash/main.js");
const STAND_IN = path.resolve("test/host/flash/board-by-ssh.sh");
const BOARD = "gl-mt300n-v2";
const DEVICE = "glinet,gl-mt300n-v2";
const ON_BOARD = "ssh -q -o StrictHostKeyChecking=no root@192.168.1.1";
const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-sysupgrade-"));
const START_ATTEMPTS = 200;
const START_INTERVAL_MS = 100;
const IMAGE_BYTES = 300_000;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script in the stand-in's network, beside it. */
async function beside(board: ChildProcess, script: string): Promise<Outcome> {
  const words = ["--target", String(board.pid), "--net", "--mount", "sh", "-c", script];
  const child = spawn("nsenter", words, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, stdout, stderr };
}

function installed(): string | undefined {
  const file = path.join(FOLDER, "installed");
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim() : undefined;
}

describe("flashing by ssh", () => {
  const image = path.join(FOLDER, "sysupgrade.bin");
  const command = `node ${FLASH} ${BOARD} --image ${image}`;
  let board: ChildProcess;
  const flash = (script: string): Promise<Outcome> => beside(board, script);

  before(async () => {
    board = spawn("unshare", ["--net", "--mount", "--", "sh", STAND_IN, FOLDER], { stdio: "ignore" });
    for (let attempt = 0; !fs.existsSync(path.join(FOLDER, "ready")); attempt += 1) {
      assert.ok(attempt < START_ATTEMPTS, "the stand-in for a board did not start");
      await sleep(START_INTERVAL_MS);
    }
  });
  beforeEach(() => {
    fs.rmSync(path.join(FOLDER, "installed"), { force: true });
    fs.writeFileSync(path.join(FOLDER, "name"), `${DEVICE}\n`);
    fs.writeFileSync(path.join(FOLDER, "revision"), REVISION);
    writeSysupgrade(image, IMAGE_BYTES, DEVICE);
  });
  after(() => {
    board.kill();
    fs.rmSync(FOLDER, { recursive: true, force: true });
  });

  it("installs the very image, keeps the configuration, and sees the new version", async () => {
    const { status, stdout, stderr } = await flash(`${command} --json`);
    assert.equal(status, 0, stderr);
    assert.equal(installed(), "/tmp/vpnmasq-flash.img");
    assert.deepEqual(fs.readFileSync(path.join(FOLDER, "image")), fs.readFileSync(image));
    const result = JSON.parse(stdout) as { ok: boolean; notes: string[] };
    assert.ok(result.ok);
    assert.equal(result.notes.length, 7);
  });

  it("logs in once before the board's restart, and once after it", async () => {
    const log = path.join(FOLDER, "log");
    fs.truncateSync(log);
    const { status, stderr } = await flash(command);
    assert.equal(status, 0, stderr);
    assert.equal(fs.readFileSync(log, "utf8").match(/^Accepted /gm)?.length, 2);
  });

  it("asks for root's password once, where there is no key, and gives it again after the restart", async () => {
    const log = path.join(FOLDER, "log");
    fs.truncateSync(log);
    const [keys, screen] = [path.join(FOLDER, "keys"), path.join(FOLDER, "screen")];
    const typeAt = (question: number, text: string): string =>
      `until [ "$(grep -o password: ${screen} | wc -l)" = ${question} ]; do sleep 0.1; done; echo "${text}" >&3`;
    const person = `mkfifo ${keys}; exec 3<>${keys}; { ${typeAt(1, "a wrong one")}; ${typeAt(2, "the board's own")}; } &`;
    const terminal = `script -qfec '${command}' ${screen} <&3`;
    const withoutKey = `mv ~root/.ssh/id_ed25519 ~root/kept; ${terminal}; s=$?; mv ~root/kept ~root/.ssh/id_ed25519`;
    const { status, stdout } = await flash(`touch ${screen}; ${person} ${withoutKey}; exit $s`);
    assert.equal(status, 0, stdout);
    assert.equal(stdout.match(/password:/g)?.length, 2, stdout);
    assert.doesNotMatch(stdout, /board's own|a wrong one/);
    const said = fs.readFileSync(log, "utf8");
    assert.equal(said.match(/^Failed password /gm)?.length, 1);
    assert.equal(said.match(/^Accepted password /gm)?.length, 2);
  });

  it("drops the configuration when that is asked for, although the board's host key is new then", async () => {
    const { status, stderr } = await flash(`${command} --drop-configuration; s=$?; rm ~root/.ssh/known_hosts; exit $s`);
    assert.equal(status, 0, stderr);
    assert.equal(installed(), "-n /tmp/vpnmasq-flash.img");
  });

  it("touches no other board", async () => {
    fs.writeFileSync(path.join(FOLDER, "name"), "glinet,gl-mt6000\n");
    const { status, stderr } = await flash(command);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /Step 1 of 7 did not work: Asks the board what it is\.\n.*says that it is\s+"glinet,gl-mt6000"/,
    );
    assert.match(stderr, /Nothing was written/);
    assert.equal(installed(), undefined);
  });

  it("installs nothing that the board itself refuses, and removes the copy", async () => {
    const file = path.join(FOLDER, "refused.bin");
    fs.writeFileSync(file, Buffer.concat([Buffer.from("27051956", "hex"), Buffer.from("REFUSED")]));
    const script = `node ${FLASH} ${BOARD} --image ${file} --unchecked-image; s=$?; ${ON_BOARD} ls /tmp; exit $s`;
    const { status, stdout, stderr } = await flash(script);
    assert.equal(status, 1);
    assert.match(stderr, /Has the board test the image\.\n.*Image check failed\./s);
    assert.equal(stdout.trim(), "sysinfo");
    assert.equal(installed(), undefined);
  });

  it("uses a whole copy that a broken attempt left", async () => {
    const leave = "cat > /tmp/vpnmasq-flash.img; touch -d @1 /tmp/vpnmasq-flash.img";
    const { status, stderr } = await flash(`${ON_BOARD} '${leave}' < ${image} && ${command}`);
    assert.equal(status, 0, stderr);
    assert.equal(fs.readFileSync(path.join(FOLDER, "age"), "utf8").trim(), "1", "the copy's time");
  });

  it("does not trust a board whose host key has changed, and says how to go on when that is right", async () => {
    const other = "ssh-keygen -q -t ed25519 -N '' -f ~root/other";
    const known = `echo "192.168.1.1 $(cut -d' ' -f1,2 ~root/other.pub)" > ~root/.ssh/known_hosts`;
    const forget = "s=$?; rm ~root/.ssh/known_hosts; exit $s";
    const { status, stderr } = await flash(`${other}; ${known}; ${command}; ${forget}`);
    assert.equal(status, 1);
    assert.match(stderr, /has another host key.*ssh-keygen -R ADDRESS/s);
    assert.equal(installed(), undefined);
  });

  it("says that the link was lost in the middle of the copy, and that nothing was written", async () => {
    const cut = "nft add table inet cut; nft add chain inet cut out '{ type filter hook output priority 0; }'";
    const over = "nft add rule inet cut out tcp dport 22 quota over 150 kbytes reject with tcp reset";
    const { status, stderr } = await flash(`${cut}; ${over}; ${command}; s=$?; nft delete table inet cut; exit $s`);
    assert.equal(status, 1);
    assert.match(stderr, /Step 2 of 7 did not work: Copies the image.*Nothing was written.*same command again/s);
    assert.equal(installed(), undefined);
  });

  it("says that no board is at the address", async () => {
    const { status, stderr } = await flash(`${command} --to 203.0.113.9`);
    assert.equal(status, 1);
    assert.match(stderr, /cannot be reached by ssh: .*Network is unreachable/s);
  });

  it("sees when the board came back with its old version", async () => {
    fs.writeFileSync(path.join(FOLDER, "revision"), "r1-before");
    const { status, stderr } = await flash(command);
    assert.equal(status, 1);
    assert.match(stderr, /Step 7 of 7 .*\n.*runs another version than the image's/);
  });
});
