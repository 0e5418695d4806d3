// SPDX-License-Identifier: GPL-2.0-only
// From one version to the next on a running router: it restarts once, remembers its tunnels' table, and keeps what people
// configured; and what is left when the package goes.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readDefinition } from "../../../src/host/package/definition.js";
import { apkStandIn, opkgStandIn, type PackageManager, replaceFiles, unpackApk, unpackIpk } from "./installer.js";
import { OLD_VERSION, oldProgram } from "./older-version.js";
import { ProcdStandIn } from "./procd-stand-in.js";
import { networkOf, RouterRoot } from "./router-root.js";

const definition = readDefinition();
const vpnmasq = definition.packages.find(({ name }) => name === "vpnmasq") ?? assert.fail("no package vpnmasq");
const CONFIGURATION = "etc/config/vpnmasq";
/** Until the program answers, on a machine that is busy with other things. */
const PATIENCE_MS = 20_000;

interface Status {
  readonly version: string;
  readonly restored: { readonly source: string };
}

interface Format {
  readonly name: string;
  readonly unpack: (root: RouterRoot) => Promise<void> | void;
  readonly manager: (root: RouterRoot, procd: ProcdStandIn) => PackageManager;
}

const FORMATS: readonly Format[] = [
  {
    name: "opkg",
    unpack: (root) => unpackIpk(definition, vpnmasq, root.path),
    manager: (root, procd) => opkgStandIn(root, vpnmasq, procd),
  },
  {
    name: "apk",
    unpack: (root) => {
      unpackApk(definition, vpnmasq, root.path);
    },
    manager: (root, procd) => apkStandIn(root, vpnmasq, procd),
  },
];

for (const { name, unpack, manager: managerOf } of FORMATS) {
  describe(`an upgrade by ${name}`, () => {
    const root = new RouterRoot();
    const procd = new ProcdStandIn(root);
    let manager: PackageManager;

    async function status(isFresh: (status: Status) => boolean): Promise<Status> {
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        const { status: exit, output } = root.run("/usr/bin/vpnmasq", "status", "--json");
        const answer = exit === 0 ? (JSON.parse(output) as Status) : undefined;
        if (answer !== undefined && isFresh(answer)) return answer;
        assert.ok(performance.now() < deadline, output);
        await sleep(100);
      }
    }

    before(async () => {
      await root.start();
      root.write("tmp/network", networkOf({ lan: "br-lan", wan: "eth1" }));
      await unpack(root);
      for (const [file, bytes] of oldProgram(definition)) root.write(file, bytes);
      manager = managerOf(root, procd);
    });
    after(async () => {
      await procd.close();
      await root.close();
    });

    it("begins with the old version, started by its installation", async () => {
      await manager.install();
      assert.equal(procd.starts, 1);
      const { version } = await status(() => true);
      assert.equal(version, OLD_VERSION);
    });

    it("restarts the program once, as the new version, with its journal and the configuration as it was changed", async () => {
      const changed = root.read(CONFIGURATION).replace("#list own_peers", "list own_peers");
      root.write(CONFIGURATION, changed);
      await procd.run("/etc/init.d/vpnmasq", "reload");
      assert.equal(procd.starts, 1);
      await manager.upgrade(() => replaceFiles(root, vpnmasq, () => unpack(root)));
      assert.equal(procd.starts, 2);
      const { restored } = await status(({ version }) => version === definition.version);
      assert.equal(restored.source, "journal");
      assert.equal(root.read(CONFIGURATION), changed);
      assert.match(root.read("var/run/vpnmasq/router.json"), /"own_peers"/);
    });

    it("ends with a removal that leaves neither a process nor a rule nor a file", async () => {
      await manager.remove();
      assert.equal(procd.running.size, 0);
      assert.doesNotMatch(root.run("/usr/sbin/nft", "list", "tables").output, /vpnmasq/);
      const left = root.run("/bin/find", "/etc", "/usr", "/var/", "-name", "*vpnmasq*").output.split("\n");
      assert.deepEqual(
        left.filter((file) => file !== "" && !file.startsWith("/usr/lib/opkg/info/")),
        [],
      );
    });
  });
}

describe("the pages of LuCI", () => {
  const pages = definition.packages.find(({ name }) => name === "luci-app-vpnmasq") ?? assert.fail("no package");
  const root = new RouterRoot();
  const reloads = (): string[] => (root.exists("tmp/rpcd") ? root.read("tmp/rpcd").trim().split("\n") : []);

  before(async () => {
    await root.start();
    root.write("etc/init.d/rpcd", '#!/bin/sh\necho "$1" >>/tmp/rpcd\n', 0o755);
    await unpackIpk(definition, pages, root.path);
  });
  after(async () => {
    await root.close();
  });

  it("have LuCI and rpcd look anew, once when they come and once when they go", async () => {
    const manager = opkgStandIn(root, pages, new ProcdStandIn(root));
    root.write("tmp/luci-modulecache/old", "");
    await manager.install();
    assert.deepEqual(reloads(), ["reload"]);
    assert.ok(!root.exists("tmp/luci-modulecache") && !root.exists("etc/uci-defaults/50_luci-app-vpnmasq"));
    root.write("tmp/luci-indexcache.0.json", "");
    await manager.remove();
    assert.deepEqual(reloads(), ["reload", "reload"]);
    assert.ok(!root.exists("tmp/luci-indexcache.0.json") && !root.exists("www/luci-static/resources/vpnmasq"));
  });
});
