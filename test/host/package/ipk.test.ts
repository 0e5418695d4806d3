// SPDX-License-Identifier: GPL-2.0-only
// Packages and indexes for opkg, read again with GNU tar and byte by byte.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import zlib from "node:zlib";
import { controlFields, installedBytes, ipkName, ipkOf } from "../../../src/host/package/ipk.js";
import { opkgIndex } from "../../../src/host/package/opkg-index.js";
import { opkgScripts } from "../../../src/host/package/scripts.js";
import { DEFINITION, EPOCH_SECONDS, FILES, SAMPLE } from "./sample.js";

const ipk = await ipkOf(DEFINITION, SAMPLE, FILES, EPOCH_SECONDS);

function tar(archive: Buffer, ...words: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync("tar", words, { input: archive, maxBuffer: 1_000_000 });
  assert.equal(status, 0, stderr.toString());
  return stdout.toString("latin1");
}

function member(archive: Buffer, name: string): Buffer {
  return Buffer.from(tar(archive, "-xzOf", "-", name), "latin1");
}

describe("an .ipk package", () => {
  it("is called as opkg looks for it", () => {
    assert.equal(ipkName(DEFINITION, SAMPLE), "sample_1.2.3-r4_all.ipk");
  });

  it("is a gzipped tar of version, data and control", () => {
    const names = tar(ipk, "-tzf", "-").trim().split("\n");
    assert.deepEqual(names, ["./debian-binary", "./data.tar.gz", "./control.tar.gz"]);
    assert.equal(member(ipk, "./debian-binary").toString(), "2.0\n");
  });

  it("has gzip headers without name and time", () => {
    for (const part of [ipk, member(ipk, "./data.tar.gz"), member(ipk, "./control.tar.gz")]) {
      assert.deepEqual([...part.subarray(0, 8)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    }
  });

  it("has its files with mode, owner and time, folders first", () => {
    const listing = tar(member(ipk, "./data.tar.gz"), "--utc", "--numeric-owner", "-tvzf", "-").trim().split("\n");
    assert.deepEqual(
      listing.map((line) => line.replaceAll(/ +/g, " ")),
      [
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./etc/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./etc/config/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./usr/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./usr/bin/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./usr/lib/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 ./usr/lib/sample/",
        "-rw-r--r-- 0/0 14 2023-11-14 22:13 ./etc/config/sample",
        "-rwxr-xr-x 0/0 17 2023-11-14 22:13 ./usr/bin/sample",
        "-rw-r--r-- 0/0 0 2023-11-14 22:13 ./usr/lib/sample/empty",
        "-rw-r--r-- 0/0 70000 2023-11-14 22:13 ./usr/lib/sample/large",
        "-rw-r--r-- 0/0 8 2023-11-14 22:13 ./usr/lib/sample/one",
        "-rw-r--r-- 0/0 8 2023-11-14 22:13 ./usr/lib/sample/other",
      ],
    );
    for (const { path, content } of FILES) assert.deepEqual(member(member(ipk, "./data.tar.gz"), `./${path}`), content);
  });

  it("has tar headers as POSIX describes them, with the right sums", () => {
    const archive = zlib.gunzipSync(member(ipk, "./data.tar.gz"));
    const header = archive.subarray(0, 512);
    assert.equal(header.toString("latin1", 0, 100).replaceAll("\0", ""), "./");
    assert.equal(header.toString("latin1", 257, 265), "ustar\x0000");
    const blank = Buffer.from(header).fill(" ", 148, 156);
    const sum = blank.reduce((total, byte) => total + byte, 0);
    assert.equal(Number.parseInt(header.toString("latin1", 148, 154), 8), sum);
    assert.equal(archive.length % 512, 0);
    assert.ok(archive.subarray(-1024).every((byte) => byte === 0));
  });

  it("has control, conffiles and scripts", () => {
    const control = member(ipk, "./control.tar.gz");
    assert.equal(
      member(control, "./control").toString(),
      "Package: sample\nVersion: 1.2.3-r4\nDepends: luajit, lua-cjson\nLicense: GPL-2.0-only\nSection: net\n" +
        `Maintainer: ${DEFINITION.maintainer}\nArchitecture: all\nInstalled-Size: 70047\n` +
        "Description: A package to\n look at.\n",
    );
    assert.equal(member(control, "./conffiles").toString(), "/etc/config/sample\n");
    for (const [name, script] of Object.entries(opkgScripts(SAMPLE))) {
      assert.equal(member(control, `./${name}`).toString(), script);
      assert.match(tar(control, "-tvzf", "-"), new RegExp(`-rwxr-xr-x .*\\./${name}\n`));
    }
  });

  it("is the same bytes the next time", async () => {
    assert.deepEqual(await ipkOf(DEFINITION, SAMPLE, FILES.toReversed(), EPOCH_SECONDS), ipk);
  });
});

describe("Packages", () => {
  it("repeats what the package says, and how to know its file", () => {
    const control = controlFields(DEFINITION, SAMPLE, installedBytes(FILES));
    const sum = createHash("sha256").update(ipk).digest("hex");
    const [fields, description] = control.split("Description");
    assert.equal(
      opkgIndex([{ name: "sample.ipk", control, file: ipk }]),
      `${fields ?? ""}Filename: sample.ipk\nSize: ${String(ipk.length)}\nSHA256sum: ${sum}\nDescription${description ?? ""}\n`,
    );
  });
});
