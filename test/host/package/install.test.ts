// SPDX-License-Identifier: GPL-2.0-only
// The package installed into a clean root: what lies there, what the init script makes of UCI, and that the program runs.

import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { contentsOf } from "../../../src/host/package/contents.js";
import { readDefinition } from "../../../src/host/package/definition.js";
import { opkgScripts } from "../../../src/host/package/scripts.js";
import { unpackApk, unpackIpk } from "./installer.js";
import { readTranscript, type Transcript } from "./procd-transcript.js";
import { networkOf, RouterRoot } from "./router-root.js";

const definition = readDefinition();
const vpnmasq = definition.packages.find(({ name }) => name === "vpnmasq") ?? assert.fail("no package vpnmasq");
const CONFIGURATION = "etc/config/vpnmasq";
const DOCUMENT = "var/run/vpnmasq/router.json";
const UP = networkOf({ lan: "br-lan", wan: "eth1" });
/** Until the program answers, on a machine that is busy with other things. */
const PATIENCE_MS = 20_000;

describe("both formats", () => {
  it("install the same files", async () => {
    const roots = [new RouterRoot(), new RouterRoot()];
    const [one, other] = roots.map((root) => root.path);
    assert.ok(one !== undefined && other !== undefined);
    await unpackIpk(definition, vpnmasq, one);
    unpackApk(definition, vpnmasq, other);
    const { stdout } = spawnSync("diff", ["-r", one, other], { encoding: "utf8" });
    assert.match(stdout, /^(Only in \S+\/lib: apk\n)?$/);
    for (const { path: file, mode } of contentsOf(vpnmasq)) {
      for (const root of [one, other]) assert.equal(fs.statSync(path.join(root, file)).mode & 0o777, mode, file);
    }
    for (const root of roots) await root.close();
  });
});

describe("the installed package", () => {
  const root = new RouterRoot();
  let stock = "";
  let child: ChildProcess | undefined;

  before(async () => {
    await unpackIpk(definition, vpnmasq, root.path);
    await root.start();
    stock = root.read(CONFIGURATION);
  });
  after(async () => {
    await root.close();
  });
  beforeEach(() => {
    for (const file of ["tmp/run/vpnmasq", "tmp/messages", "tmp/watchdog"]) root.remove(file);
    root.write("tmp/network", UP);
    root.write(CONFIGURATION, stock);
  });
  afterEach(async () => {
    if (child?.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    child = undefined;
  });

  /** Runs the init script and gives what procd was told. */
  function init(...words: readonly string[]): Transcript {
    root.remove("tmp/procd");
    const { status, output } = root.run("/bin/sh", "/etc/rc.common", "/etc/init.d/vpnmasq", ...words);
    assert.equal(status, 0, output);
    assert.equal(output, "");
    return readTranscript(root.read("tmp/procd"));
  }
  function configure(...changes: readonly (readonly [string | RegExp, string])[]): void {
    root.write(
      CONFIGURATION,
      changes.reduce((content, [from, to]) => content.replace(from, to), stock),
    );
  }
  function log(): string {
    return root.exists("tmp/messages") ? root.read("tmp/messages") : "";
  }
  function parameter(transcript: Transcript, name: string): string {
    assert.equal(transcript.instances.length, 1);
    return transcript.instances[0]?.parameters.get(name)?.join(" ") ?? "";
  }

  describe("the init script", () => {
    it("starts the router of the configuration as it is installed", () => {
      const transcript = init("start");
      assert.deepEqual(
        transcript.instances.map(({ name }) => name),
        ["router"],
      );
      assert.equal(parameter(transcript, "command"), "/usr/bin/vpnmasq router --config /var/run/vpnmasq/router.json");
      assert.deepEqual(JSON.parse(root.read(DOCUMENT)), {
        lan: "br-lan",
        log: "syslog",
        procd_instance: "vpnmasq/router",
        scope: "vpn",
        wan: "eth1",
      });
      assert.equal(log(), "");
      assert.deepEqual(transcript.changes, [], "the firewall has nothing to learn");
      assert.deepEqual(transcript.data, []);
    });

    it("has procd watch over it, without rights that it does not need", () => {
      const transcript = init("start");
      assert.equal(parameter(transcript, "respawn"), "3600 5 0");
      assert.equal(parameter(transcript, "watchdog"), "1 60");
      assert.equal(parameter(transcript, "file"), "/usr/lib/vpnmasq/vpnmasq.lua", "an upgrade restarts it");
      assert.equal(parameter(transcript, "no_new_privs"), "1");
      assert.equal(
        parameter(transcript, "reload_signal"),
        "",
        "procd would send it in place of the watchdog's restart",
      );
      const capabilities = JSON.parse(root.read(parameter(transcript, "capabilities"))) as Record<string, string[]>;
      assert.deepEqual(capabilities.ambient, capabilities.bounding, "its children keep them");
    });

    it("is called again when UCI, the firewall or one of its interfaces changes", () => {
      assert.deepEqual(init("start").triggers, [
        "config vpnmasq",
        "config.change firewall /etc/init.d/vpnmasq reload rules",
        "interface lan",
        "interface wan",
      ]);
    });

    it("keeps the last good configuration running, and says why in the log", () => {
      const good = init("start");
      const document = root.read(DOCUMENT);
      configure(["scope 'vpn'", "scope 'vpnn'"]);
      const kept = init("reload");
      assert.deepEqual(kept.instances, good.instances);
      assert.deepEqual(kept.signals, []);
      assert.equal(root.read(DOCUMENT), document);
      assert.equal(
        log(),
        'vpnmasq.router.scope: "vpnn" is not accepted; use "vpn" or "all"\nrouter: the last good configuration goes on\n',
      );
    });

    it("starts nothing when there was never a good one", () => {
      configure(["scope 'vpn'", "scope 'vpn"]);
      assert.deepEqual(init("start").instances, []);
      assert.match(log(), /^(\/etc\/config\/vpnmasq: line \d+: there is no closing '\n){2}$/, "each role says so");
    });

    it("lets the router read what counts at once, and restarts it for the rest", () => {
      const first = init("start");
      assert.deepEqual(init("reload").signals, [], "nothing changed");
      configure(["#list own_peers", "list own_peers"]);
      const live = init("reload");
      assert.deepEqual(live.instances, first.instances);
      assert.deepEqual(live.signals, ["vpnmasq router HUP"]);
      configure(["scope 'vpn'", "scope 'all'"]);
      const other = init("reload");
      assert.notEqual(parameter(other, "env"), parameter(first, "env"));
      assert.deepEqual(other.signals, [], "a signal could meet the program before it listens");
    });

    it("waits for a WAN that is down at boot, and starts once it is up", () => {
      root.write("tmp/network", networkOf({ lan: "br-lan", wan: undefined }));
      assert.deepEqual(init("start").instances, []);
      assert.equal(log(), "router: the interface wan is not up; waiting for it\n");
      root.write("tmp/network", networkOf({ lan: "br-lan", wan: "pppoe-wan" }));
      assert.equal(init("reload").instances.length, 1);
      assert.equal((JSON.parse(root.read(DOCUMENT)) as { wan: string }).wan, "pppoe-wan");
    });

    it("goes on with what it knew when the WAN goes down, and restarts on another device", () => {
      const first = init("start");
      root.write("tmp/network", networkOf({ lan: "br-lan", wan: undefined }));
      assert.deepEqual(init("reload").instances, first.instances);
      root.write("tmp/network", networkOf({ lan: "br-lan", wan: "wwan0" }));
      assert.notEqual(parameter(init("reload"), "env"), parameter(first, "env"));
    });

    it("ends the router when it is disabled", () => {
      init("start");
      configure(["enabled '1'", "enabled '0'"]);
      assert.deepEqual(init("reload").instances, []);
      assert.ok(!root.exists(DOCUMENT));
    });

    it("tells the firewall what an endpoint needs, when a zone is named", () => {
      const tunnel =
        "config tunnel office\n option daemon strongswan\n option connection office\n option ping_source 10.1.0.1\n option ping_target 10.2.0.1\n";
      root.write(CONFIGURATION, `config endpoint endpoint\n option enabled 1\n option firewall_zone wan\n${tunnel}`);
      const transcript = init("start");
      assert.deepEqual(
        transcript.instances.map(({ name }) => name),
        ["endpoint"],
      );
      assert.deepEqual(transcript.changes, ["firewall"]);
      assert.deepEqual(
        transcript.data.filter((line) => line.startsWith("string")),
        [
          "type rule",
          "src wan",
          "proto esp",
          "target ACCEPT",
          "type rule",
          "src wan",
          "proto udp",
          "dest_port 500 4500",
          "target ACCEPT",
        ].map((line) => `string ${line}`),
      );
    });
  });

  /** Starts what procd would start, and waits until it answers. */
  async function startDaemon(before: readonly string[] = []): Promise<void> {
    const [instance] = init("start").instances;
    const command = instance?.parameters.get("command") ?? [];
    child = root.spawn([...before, ...command]);
    let said = "";
    child.stderr?.on("data", (data: Buffer) => (said += data.toString()));
    const deadline = performance.now() + PATIENCE_MS;
    while (root.run("/usr/bin/vpnmasq", "status", "--json").status !== 0) {
      assert.ok(performance.now() < deadline && child.exitCode === null, said);
      await sleep(100);
    }
  }
  function status(): string {
    return root.run("/usr/bin/vpnmasq", "status", "--json").output;
  }

  describe("the program", () => {
    it("runs on what the package depends on and nothing else", async () => {
      await startDaemon();
      assert.match(status(), /in place/);
      assert.match(root.run("/usr/sbin/nft", "list", "tables").output, /table netdev vpnmasq/);
    });

    it("runs with the rights that procd leaves it", async () => {
      const { bounding = [] } = JSON.parse(root.read("etc/capabilities/vpnmasq.json")) as Record<string, string[]>;
      const added = `-all,${bounding.map((name) => `+${name.replace(/^CAP_/, "").toLowerCase()}`).join(",")}`;
      const sets = ["bounding-set", "inh-caps", "ambient-caps"].map((name) => `--${name}=${added}`);
      await startDaemon(["setpriv", "--no-new-privs", ...sets]);
      const rights = fs.readFileSync(`/proc/${String(child?.pid)}/status`, "utf8");
      assert.match(rights, /^NoNewPrivs:\t1$/m);
      assert.equal(/^CapEff:\t(.*)$/m.exec(rights)?.[1], /^CapBnd:\t(.*)$/m.exec(rights)?.[1]);
      assert.match(status(), /in place/);
    });

    it("tells who asks what was wrong or advised when its configuration was made", async () => {
      root.write("etc/config/firewall", "config defaults\n\toption flow_offloading_hw '1'\n");
      await startDaemon();
      const advice = /^ +firewall: flow_offloading_hw is on/m;
      assert.match(root.run("/usr/bin/vpnmasq", "status").output, advice);
      assert.match(root.run("/usr/bin/vpnmasq", "check", `/${DOCUMENT}`).output, /note +firewall: flow_offloading_hw/);
      root.remove("etc/config/firewall");
      configure(["scope 'vpn'", "scope 'vpnn'"]);
      init("reload");
      const { output } = root.run("/usr/bin/vpnmasq", "status");
      assert.match(
        output,
        /^ +vpnmasq\.router\.scope: "vpnn" is not accepted.*\n +.*last good configuration goes on$/m,
      );
      assert.doesNotMatch(output, advice);
      configure();
      init("reload");
      assert.deepEqual((JSON.parse(status()) as { notes: string[] }).notes, []);
    });

    it("tells procd that it runs", async () => {
      await startDaemon();
      const deadline = performance.now() + PATIENCE_MS;
      while (!root.exists("tmp/watchdog")) {
        assert.ok(performance.now() < deadline);
        await sleep(100);
      }
      assert.deepEqual(JSON.parse(root.read("tmp/watchdog")), { name: "vpnmasq", instance: "router" });
    });

    it("puts its rules in place again when a firewall flushed all, at the reload that follows", async () => {
      await startDaemon();
      root.run("/usr/sbin/nft", "flush", "ruleset");
      const { signals } = init("reload", "rules");
      assert.deepEqual(signals, ["vpnmasq router HUP"]);
      child?.kill("SIGHUP");
      const deadline = performance.now() + PATIENCE_MS;
      while (!root.run("/usr/sbin/nft", "list", "tables").output.includes("vpnmasq")) {
        assert.ok(performance.now() < deadline);
        await sleep(100);
      }
    });
  });

  it("leaves nothing behind once it is removed for good", () => {
    init("start");
    assert.ok(root.exists(DOCUMENT));
    root.write("tmp/postrm", opkgScripts(vpnmasq).postrm ?? "");
    root.run("/bin/sh", "-c", "PKG_UPGRADE=1 sh /tmp/postrm");
    assert.ok(root.exists(DOCUMENT), "an upgrade keeps the journal");
    root.run("/bin/sh", "/tmp/postrm");
    assert.ok(!root.exists("var/run/vpnmasq") && !root.exists("usr/lib/vpnmasq"));
  });
});
