// SPDX-License-Identifier: GPL-2.0-only
// The feeds as `npm run package` makes them: the same bytes twice, signed, complete, and what OpenWrt's build is given.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { contentsOf, wholeTree } from "../../../src/host/package/contents.js";
import { readDefinition } from "../../../src/host/package/definition.js";
import { apkFeed, opkgFeed } from "../../../src/host/package/feed.js";
import { feedMakefile } from "../../../src/host/package/feed-makefile.js";
import { installedBytes } from "../../../src/host/package/ipk.js";
import { apkScripts, opkgScripts } from "../../../src/host/package/scripts.js";
import { makeSigningKeys, readSigningKeys } from "../../../src/host/package/signing-keys.js";
import { EPOCH_SECONDS } from "./sample.js";

const FEED = "firmware/openwrt/feed/vpnmasq";
const INSTALLED_BYTES_MAX = 200 * 1024;
const definition = readDefinition();

function run(program: string, ...words: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

describe("the feeds", () => {
  let folder = "";
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-feed-"));
    makeSigningKeys(folder);
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it("are the same bytes twice, signatures included", async () => {
    const keys = readSigningKeys(folder);
    assert.deepEqual(await opkgFeed(definition, EPOCH_SECONDS, keys), await opkgFeed(definition, EPOCH_SECONDS, keys));
    assert.deepEqual(apkFeed(definition, EPOCH_SECONDS, keys), apkFeed(definition, EPOCH_SECONDS, keys));
  });

  it("have a signature of Packages that signify accepts, and refuses for other content", async () => {
    const feed = await opkgFeed(definition, EPOCH_SECONDS, readSigningKeys(folder));
    for (const name of ["Packages", "Packages.sig"]) fs.writeFileSync(path.join(folder, name), feed.get(name) ?? "");
    const list = path.join(folder, "Packages");
    const words = ["-V", "-p", path.join(folder, "key-build.pub"), "-x", `${list}.sig`, "-m", list];
    const good = run("signify-openbsd", ...words);
    assert.equal(good.status, 0, good.output);
    fs.appendFileSync(list, "\n");
    assert.notEqual(run("signify-openbsd", ...words).status, 0);
  });

  it("never write new keys in the place of others", () => {
    assert.throws(() => {
      makeSigningKeys(folder);
    }, /has key-build, .* already\. Nothing was changed/);
  });

  it("say which file is missing", () => {
    assert.throws(() => readSigningKeys(path.join(folder, "nowhere")), /nowhere\/key-build is missing/);
  });

  it("say which file is no key, and how to make one", () => {
    const other = fs.mkdtempSync(path.join(folder, "keys-"));
    fs.writeFileSync(path.join(other, "key-build"), "untrusted comment: none\nAAAA\n");
    assert.throws(() => readSigningKeys(other), /key-build is no secret key of usign; usign -G/);
  });
});

describe("the packages", () => {
  it("have each file of the tree in one package", () => {
    const packed = definition.packages.flatMap((one) => contentsOf(one).map((file) => file.path));
    assert.deepEqual(packed.toSorted(), [...new Set(packed)].sort());
    assert.deepEqual(
      wholeTree().filter((file) => !packed.includes(file)),
      [],
    );
  });

  it("take at most 200 KiB where LuCI and the collector are not wanted", () => {
    const [main] = definition.packages;
    assert.equal(main?.name, "vpnmasq");
    const size = installedBytes(contentsOf(main));
    assert.ok(size <= INSTALLED_BYTES_MAX, String(size));
  });

  it("have the pages and what they ask in one, and the collector in another", () => {
    const files = Object.fromEntries(
      definition.packages.map((one) => [one.name, contentsOf(one).map((file) => file.path)]),
    );
    assert.deepEqual(
      files["luci-app-vpnmasq"]?.filter((file) => !file.startsWith("www/luci-static/resources/")),
      [
        "etc/uci-defaults/50_luci-app-vpnmasq",
        "usr/libexec/rpcd/vpnmasq",
        "usr/share/luci/menu.d/luci-app-vpnmasq.json",
        "usr/share/rpcd/acl.d/luci-app-vpnmasq.json",
      ],
    );
    assert.deepEqual(files["prometheus-node-exporter-lua-vpnmasq"], ["usr/lib/lua/prometheus-collectors/vpnmasq.lua"]);
  });

  it("have every conffile among their files", () => {
    for (const one of definition.packages) {
      const paths = contentsOf(one).map((file) => `/${file.path}`);
      for (const conffile of one.conffiles) assert.ok(paths.includes(conffile), conffile);
    }
  });

  it("have scripts of shell without a finding", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-scripts-"));
    const names: string[] = [];
    for (const one of definition.packages) {
      const scripts = { ...opkgScripts(one), ...apkScripts(one) };
      for (const [name, text] of Object.entries(scripts)) {
        const file = path.join(folder, `${one.name}.${name}`);
        fs.writeFileSync(file, text);
        names.push(file);
      }
      for (const { path: name, content } of contentsOf(one)) {
        const isShell = content.toString("latin1", 0, 9) === "#!/bin/sh";
        if (isShell) names.push(name === "usr/bin/vpnmasq" ? "build/vpnmasq" : `firmware/openwrt/files/${name}`);
      }
    }
    // What the packages source is on the router only; sh stands for busybox ash, which knows `local` and `export A=b`.
    const { status, output } = run(
      "shellcheck",
      "--shell=dash",
      "--exclude=SC1091,SC3043",
      `${FEED}/test.sh`,
      ...names,
    );
    fs.rmSync(folder, { recursive: true });
    assert.equal(status, 0, output);
  });
});

describe("the feed for OpenWrt's build", () => {
  it("has the Makefile of this definition", () => {
    assert.equal(fs.readFileSync(`${FEED}/Makefile`, "utf8"), feedMakefile(definition), "npm run package writes it");
  });

  it("has the program's version", () => {
    const { output } = run("build/vpnmasq", "--version");
    assert.match(
      fs.readFileSync(`${FEED}/Makefile`, "utf8"),
      new RegExp(`PKG_VERSION:=${output.trim().split(" ")[1] ?? "?"}\n`),
    );
  });

  it("has recipes behind tabs and metadata behind two spaces", () => {
    const makefile = feedMakefile(definition);
    for (const line of makefile.split("\n")) assert.match(line, /^(\t\S| {2}\S|\S|$)/);
    assert.match(makefile, /^\t\$\(CP\) /m);
  });

  it("has a test that finds the version, and no other", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-feed-"));
    fs.symlinkSync(path.resolve("build/vpnmasq"), path.join(folder, "vpnmasq"));
    const test = (version: string): number | null =>
      spawnSync(`${FEED}/test.sh`, ["vpnmasq", version], {
        env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
      }).status;
    assert.equal(test(definition.version), 0);
    assert.notEqual(test("99.99"), 0);
    fs.rmSync(folder, { recursive: true });
  });
});
