// SPDX-License-Identifier: GPL-2.0-only
// Unpacks packages into a root, and stands in for opkg and apk around that: which scripts they run when, and what becomes of
// files that people changed. docs/openwrt.md says what was tried with the real ones.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { apkOf } from "../../../src/host/package/apk.js";
import { contentsOf } from "../../../src/host/package/contents.js";
import type { Definition, PackageDefinition } from "../../../src/host/package/definition.js";
import { ipkOf } from "../../../src/host/package/ipk.js";
import { apkScripts, opkgScripts } from "../../../src/host/package/scripts.js";
import { bytes, entries, list, readContainer, readDatabase, text } from "./adb-reader.js";
import type { ProcdStandIn } from "./procd-stand-in.js";
import type { RouterRoot } from "./router-root.js";
import { EPOCH_SECONDS } from "./sample.js";

export async function unpackIpk(definition: Definition, one: PackageDefinition, folder: string): Promise<void> {
  const ipk = await ipkOf(definition, one, contentsOf(one), EPOCH_SECONDS);
  const { status, stderr } = spawnSync("sh", ["-c", `tar -xzO ./data.tar.gz | tar -xz -C ${folder}`], { input: ipk });
  assert.equal(status, 0, stderr.toString());
}

/** As apk unpacks it: folders and files of the database, content from the data blocks. */
export function unpackApk(definition: Definition, one: PackageDefinition, folder: string): void {
  const apk = apkOf(definition, one, contentsOf(one), EPOCH_SECONDS, () => undefined);
  const [database, ...data] = readContainer(apk.file).blocks;
  const folders = entries(readDatabase(database?.content ?? Buffer.alloc(0))[2]);
  for (const inner of folders) fs.mkdirSync(path.join(folder, text(list(inner)[1])), { recursive: true });
  for (const { content } of data) {
    const place = list(folders[content.readUInt32LE(0) - 1]);
    const [, name, access] = list(entries(place[3])[content.readUInt32LE(4) - 1]);
    const target = path.join(folder, text(place[1]), bytes(name).toString());
    fs.writeFileSync(target, content.subarray(8), { mode: list(access)[1] as number });
  }
}

/** What a package manager does around the files of one package. */
export interface PackageManager {
  install(): Promise<void>;
  /** @param replaceFiles puts the new version's files in the place of the old one's */
  upgrade(replaceFiles: () => Promise<void>): Promise<void>;
  remove(): Promise<void>;
}

/** Files that people changed stay. */
export async function replaceFiles(
  root: RouterRoot,
  one: PackageDefinition,
  unpack: () => Promise<void> | void,
): Promise<void> {
  const kept = one.conffiles.map((file) => [file, root.read(file)] as const);
  await unpack();
  for (const [file, content] of kept) root.write(file, content);
}

function writeList(root: RouterRoot, one: PackageDefinition, file: string): void {
  const lines = contentsOf(one).map(({ path: name }) => `/${name}\n`);
  root.write(file, lines.join(""));
}

function removeFiles(root: RouterRoot, one: PackageDefinition): void {
  for (const { path: name } of contentsOf(one)) root.remove(name);
}

/** As opkg-lede does it (libopkg/opkg_install.c): the old package's prerm and postrm, then the new one's postinst. */
export function opkgStandIn(root: RouterRoot, one: PackageDefinition, procd: ProcdStandIn): PackageManager {
  const info = `usr/lib/opkg/info/${one.name}`;
  const run = async (name: string, isUpgrade: boolean): Promise<void> => {
    root.write(`${info}.${name}`, opkgScripts(one)[name] ?? "", 0o755);
    await procd.run("/bin/sh", "-c", `PKG_UPGRADE=${isUpgrade ? "1" : "0"} /${info}.${name}`);
  };
  writeList(root, one, `${info}.list`);
  return {
    async install() {
      await run("postinst", false);
    },
    async upgrade(replace) {
      await run("prerm", true);
      await run("postrm", true);
      await replace();
      await run("postinst", true);
    },
    async remove() {
      await run("prerm", false);
      removeFiles(root, one);
      await run("postrm", false);
    },
  };
}

/** As apk does it: of an upgrade it tells the new package alone, afterwards. */
export function apkStandIn(root: RouterRoot, one: PackageDefinition, procd: ProcdStandIn): PackageManager {
  const run = async (name: string): Promise<void> => {
    root.write("tmp/script", apkScripts(one)[name] ?? "", 0o755);
    await procd.run("/tmp/script");
  };
  writeList(root, one, `lib/apk/packages/${one.name}.list`);
  return {
    async install() {
      await run("post-install");
    },
    async upgrade(replace) {
      await replace();
      await run("post-upgrade");
    },
    async remove() {
      await run("pre-deinstall");
      removeFiles(root, one);
      await run("post-deinstall");
    },
  };
}
