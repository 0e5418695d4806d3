// SPDX-License-Identifier: GPL-2.0-only
// The emulated board's package step, in a root of this machine with the board's own scripts: what a boot of the board takes
// a minute for. runit is a stand-in that writes down what it is told; test/board runs the same on the board itself.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Definition, fullVersion, readDefinition } from "../../../src/host/package/definition.js";
import { opkgFeed } from "../../../src/host/package/feed.js";
import { ipkName } from "../../../src/host/package/ipk.js";
import { makeSigningKeys, readSigningKeys } from "../../../src/host/package/signing-keys.js";
import { IMAGE_SOURCES } from "../../../src/host/image/trees.js";
import { OLD_VERSION, olderDefinition } from "../package/older-version.js";
import { type Ran, RouterRoot } from "../package/router-root.js";
import { EPOCH_SECONDS } from "../package/sample.js";

const SETTINGS = "etc/config/vpnmasq";
const PORT = "8080";
/** Until a server listens, on a machine that is busy with other things. */
const PATIENCE_MS = 60_000;

describe("the board's package step", () => {
  const definition = readDefinition();
  const root = new RouterRoot(["signify-openbsd"]);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-feed-"));
  const older = olderDefinition(definition, folder);
  const [vpnmasq] = definition.packages;
  let server: ChildProcess | undefined;

  function board(command: string): Ran {
    return root.run("/bin/sh", "-c", `. /usr/share/board/functions; ${command}`);
  }
  function done(command: string): string {
    const { status, output } = board(command);
    assert.equal(status, 0, output);
    return output.trim();
  }
  function refused(command: string): string {
    const { status, output } = board(command);
    assert.notEqual(status, 0, output);
    return output;
  }
  function told(): string[] {
    const lines = root.exists("tmp/sv") ? root.read("tmp/sv").trim().split("\n") : [];
    root.remove("tmp/sv");
    return lines;
  }
  async function serve(which: Definition, keys: string): Promise<void> {
    const signing = readSigningKeys(path.join(folder, keys));
    for (const [name, bytes] of await opkgFeed(which, EPOCH_SECONDS, signing)) root.write(`tmp/feed/${name}`, bytes);
  }
  /** What the board does when it starts, as far as packages go. */
  function start(): void {
    done("umount -l /usr /lib /rom 2>/dev/null; . /usr/share/board/packages; mount_packages");
  }
  async function installOlder(): Promise<void> {
    await serve(older, "ours");
    done("board-package update && board-package install vpnmasq");
  }

  before(async () => {
    for (const keys of ["ours", "foreign"]) makeSigningKeys(path.join(folder, keys));
    fs.cpSync(path.join(IMAGE_SOURCES, "root"), root.path, { recursive: true });
    for (const place of ["rom", "run/board", "run/service/router", "overlay/log", "usr/lib/vpnmasq"])
      fs.mkdirSync(path.join(root.path, place), { recursive: true });
    root.write("usr/bin/sv", '#!/bin/sh\necho "$*" >>/tmp/sv\n', 0o755);
    root.write("usr/bin/vpnmasq", "#!/bin/sh\necho from the image\n", 0o755);
    root.write("usr/share/board/image", "this one\n");
    root.write("etc/opkg/keys/ours", fs.readFileSync(path.join(folder, "ours/key-build.pub")));
    root.write("etc/opkg/customfeeds.conf", `src/gz vpnmasq http://127.0.0.1:${PORT}\n`);
    await root.start();
    server = root.spawn(["/bin/httpd", "-f", "-p", `127.0.0.1:${PORT}`, "-h", "/tmp/feed"]);
    root.write("tmp/feed/hello", "");
    const endMs = performance.now() + PATIENCE_MS;
    while (board(`wget -q -O /dev/null http://127.0.0.1:${PORT}/hello`).status !== 0) {
      assert.ok(performance.now() < endMs, "the feed's server did not start");
      await sleep(50);
    }
  });
  after(async () => {
    server?.kill("SIGKILL");
    await root.close();
    fs.rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    for (const file of ["overlay/packages", SETTINGS, `${SETTINGS}-opkg`, "run/board/feeds"]) root.remove(file);
    start();
    told();
  });

  it("explains itself to who asks wrongly", () => {
    for (const words of ["", "install", "list vpnmasq", "downgrade vpnmasq"]) {
      assert.match(refused(`board-package ${words}`), /^Usage: board-package update.*\n.*install NAME/);
    }
  });

  it("believes no feed without a signature of a key that the board has", async () => {
    await serve(definition, "foreign");
    assert.match(refused("board-package update"), /not signed with a key in \/etc\/opkg\/keys; it is not used/);
    assert.match(refused("board-package install vpnmasq"), /there are no lists of feeds/);
  });

  it("names what it could not fetch", () => {
    root.remove("tmp/feed/Packages.sig");
    assert.match(refused("board-package update"), /Packages\.sig cannot be fetched; the list before it stays in use/);
  });

  it("installs over the image's program and starts it anew", async () => {
    await installOlder();
    assert.equal(done("vpnmasq --version"), `vpnmasq ${OLD_VERSION}`);
    assert.equal(done("board-package list"), `vpnmasq ${fullVersion(older)}`);
    assert.deepEqual(told(), ["restart /run/service/router"]);
    assert.equal(done("board-package install vpnmasq"), `vpnmasq ${fullVersion(older)} is installed already`);
    assert.deepEqual(told(), []);
  });

  it("upgrades by one stop and one start, and keeps what was changed", async () => {
    await installOlder();
    told();
    const changed = `${root.read(SETTINGS)}# mine\n`;
    root.write(SETTINGS, changed);
    await serve(definition, "ours");
    const said = done("board-package update && board-package install vpnmasq");
    assert.match(said, /\/etc\/config\/vpnmasq was changed and stays; the package's own is .*vpnmasq-opkg/);
    assert.equal(done("vpnmasq --version"), `vpnmasq ${definition.version}`);
    assert.deepEqual(told(), ["-w 20 force-stop /run/service/router", "restart /run/service/router"]);
    assert.equal(root.read(SETTINGS), changed);
    assert.match(root.read(`${SETTINGS}-opkg`), /^config router/m);
  });

  it("replaces a file that nobody changed", async () => {
    await installOlder();
    await serve(definition, "ours");
    done("board-package update && board-package install vpnmasq");
    assert.doesNotMatch(root.read(SETTINGS), /As it was before/);
    assert.ok(!root.exists(`${SETTINGS}-opkg`));
  });

  it("takes a file, and goes back to the image's program when the package goes", async () => {
    await serve(older, "ours");
    assert.ok(vpnmasq !== undefined);
    done(`board-package install /tmp/feed/${ipkName(older, vpnmasq)}`);
    told();
    assert.match(done("board-package remove vpnmasq"), /vpnmasq is removed/);
    assert.equal(done("vpnmasq --version"), "from the image");
    assert.deepEqual(told(), ["-w 20 force-stop /run/service/router", "up /run/service/router"]);
    assert.equal(done("board-package list"), "");
    assert.ok(!root.exists(SETTINGS) && !root.exists("etc/init.d/vpnmasq"));
  });

  it("leaves a changed file where it is when the package goes", async () => {
    await installOlder();
    root.write(SETTINGS, "# mine\n");
    assert.match(done("board-package remove vpnmasq"), /\/etc\/config\/vpnmasq was changed and stays/);
    assert.equal(root.read(SETTINGS), "# mine\n");
  });

  it("refuses what is damaged, foreign, or needs what the board has not, and changes nothing", async () => {
    await installOlder();
    await serve(definition, "ours");
    done("board-package update");
    assert.ok(vpnmasq !== undefined);
    root.write(`tmp/feed/${ipkName(definition, vpnmasq)}`, "damaged");
    assert.match(refused("board-package install vpnmasq"), /is not what the feed's list says; nothing was changed/);
    assert.match(refused("board-package install luci-app-vpnmasq"), /it needs luci-base, .*nothing was changed/);
    assert.match(refused("board-package install nothing"), /no feed has a package nothing; nothing was changed/);
    assert.match(refused("board-package install /tmp/none.ipk"), /there is no file \/tmp\/none.ipk/);
    assert.match(refused("cp /bin/busybox /tmp/a.ipk; board-package install /tmp/a.ipk"), /no package; nothing was/);
    assert.match(refused("board-package remove luci"), /luci is not installed/);
    assert.equal(done("vpnmasq --version"), `vpnmasq ${OLD_VERSION}`);
  });

  it("has it after a start, until another image is started", async () => {
    await installOlder();
    start();
    assert.equal(done("vpnmasq --version"), `vpnmasq ${OLD_VERSION}`);
    root.write("usr/share/board/image", "another one\n");
    start();
    assert.equal(done("vpnmasq --version"), "from the image");
    assert.equal(done("board-package list"), "");
    root.write("usr/share/board/image", "this one\n");
  });

  it("is whole when the power goes before the new files are named", async () => {
    await installOlder();
    await serve(definition, "ours");
    refused("board-package update && ln() { kill -9 $$; }; . /usr/sbin/board-package install vpnmasq");
    root.remove("tmp/board-package");
    start();
    assert.equal(done("vpnmasq --version"), `vpnmasq ${OLD_VERSION}`);
    done("board-package update && board-package install vpnmasq");
    assert.equal(done("vpnmasq --version"), `vpnmasq ${definition.version}`);
  });
});
