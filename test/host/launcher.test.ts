// SPDX-License-Identifier: GPL-2.0-only
// The launcher finds the program and a LuaJIT wherever a package puts them, and says what is missing when it cannot.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

const LAUNCHER = "src/app/vpnmasq.sh";
/** What the launcher itself calls; the test gives it a PATH of its own, with or without a LuaJIT. */
const TOOLS = ["sh", "dirname", "readlink"];
const PROGRAM = 'io.write("started ", tostring(arg[1]))';

function whereIs(tool: string): string {
  return spawnSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).stdout.trim();
}

describe("the launcher", () => {
  let root = "";

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-launcher-"));
    for (const folder of ["bin", "lib/vpnmasq", "path"]) fs.mkdirSync(path.join(root, folder), { recursive: true });
    const text = fs.readFileSync(LAUNCHER, "utf8").replaceAll("/usr/lib", path.join(root, "usr-lib"));
    fs.writeFileSync(path.join(root, "bin/vpnmasq"), text);
    for (const tool of TOOLS) fs.symlinkSync(whereIs(tool), path.join(root, "path", tool));
  });
  afterEach(() => {
    fs.rmSync(root, { recursive: true });
  });

  function installLuajitAs(name: string): void {
    fs.symlinkSync(whereIs("luajit"), path.join(root, "path", name));
  }
  function installProgramIn(folder: string): void {
    fs.writeFileSync(path.join(root, folder, "vpnmasq.lua"), PROGRAM);
  }
  function start(launcher = "bin/vpnmasq"): { status: number | null; stdout: string; stderr: string } {
    const env = { PATH: path.join(root, "path") };
    return spawnSync("sh", [path.join(root, launcher), "a b"], { env, encoding: "utf8" });
  }

  it("starts the program beside it and hands on the words", () => {
    installLuajitAs("luajit");
    installProgramIn("bin");
    assert.equal(start().stdout, "started a b");
  });

  it("starts the program in ../lib/vpnmasq", () => {
    installLuajitAs("luajit");
    installProgramIn("lib/vpnmasq");
    assert.equal(start().stdout, "started a b");
  });

  it("is found through symbolic links, relative and absolute", () => {
    installLuajitAs("luajit");
    installProgramIn("bin");
    fs.symlinkSync("bin/vpnmasq", path.join(root, "relative"));
    fs.symlinkSync(path.join(root, "relative"), path.join(root, "absolute"));
    assert.equal(start("absolute").stdout, "started a b");
  });

  it("takes OpenWrt's luajit2 where there is no luajit", () => {
    installLuajitAs("luajit2");
    installProgramIn("bin");
    assert.equal(start().stdout, "started a b");
  });

  it("says how to install a LuaJIT where there is none", () => {
    installProgramIn("bin");
    const { status, stderr } = start();
    assert.equal(status, 127);
    assert.match(stderr, /no LuaJIT in PATH.*\n.*apt-get install luajit/);
  });

  it(
    "says where it looked when the program is missing",
    { skip: fs.existsSync("/usr/lib/vpnmasq/vpnmasq.lua") },
    () => {
      installLuajitAs("luajit");
      const { status, stderr } = start();
      assert.equal(status, 127);
      assert.match(stderr, /vpnmasq\.lua is missing/);
    },
  );
});
