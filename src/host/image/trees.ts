// SPDX-License-Identifier: GPL-2.0-only
// The two file systems of the image: the initial RAM disk that finds the root, and the root.

import fs from "node:fs";
import path from "node:path";
import { copyModules } from "./kernel-modules.js";
import { readWordList } from "./word-list.js";

export const IMAGE_SOURCES = "firmware/image";

/** Places that others are mounted on: the root is read-only. */
const MOUNT_POINTS = ["dev", "proc", "sys", "run", "tmp", "overlay", "rom"];
/** What packages bring along that nothing on the board uses, or that speaks of the machine that unpacked them. */
const UNUSED = [
  "boot",
  "dev",
  "etc",
  "lib/modules",
  "lib/systemd",
  "tmp",
  "usr/lib/sysusers.d",
  "usr/share/bash-completion",
  "usr/share/doc",
  "usr/share/lintian",
  "var",
];
/** Commands that others start by their path. All other ones of busybox are linked at boot, by busybox itself. */
const BUSYBOX_LINKS = ["bin/sh", "sbin/init", "sbin/modprobe", "sbin/reboot"];
/** The root is read-only, so what programs write while they run is elsewhere. */
const FOLDER_LINKS = [["var/run", "/run"]] as const;
/** What is installed of vpnmasq: where from, where to. */
export const PRODUCT = [
  ["build/vpnmasq", "usr/bin/vpnmasq"],
  ["build/unpacked/vpnmasq.lua", "usr/lib/vpnmasq/vpnmasq.lua"],
  ["build/unpacked/vpnmasq-offload.lua", "usr/lib/vpnmasq/vpnmasq-offload.lua"],
  ["build/unpacked/vpnmasq-rest.lua", "usr/lib/vpnmasq/vpnmasq-rest.lua"],
  ["build/vpnmasq-help.lua", "usr/lib/vpnmasq/vpnmasq-help.lua"],
] as const;

type Moment = "start" | "root" | "demand";

/** The modules that are wanted at one of these moments. */
function modulesFor(...moments: readonly Moment[]): string[] {
  const list = readWordList(path.join(IMAGE_SOURCES, "kernel-modules.txt"));
  return list.filter(([, moment]) => moments.includes(moment as Moment)).map(([name]) => name);
}

function writeList(file: string, words: readonly string[]): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${words.join("\n")}\n`);
}

/** The initial RAM disk's tree: busybox, the modules that find the root, and the init. */
export async function makeStartTree(packages: string, tree: string): Promise<void> {
  for (const folder of ["bin", "dev", "proc", "sys", "root", "sbin"])
    fs.mkdirSync(path.join(tree, folder), { recursive: true });
  fs.cpSync(path.join(packages, "bin/busybox"), path.join(tree, "bin/busybox"));
  fs.symlinkSync("/bin/busybox", path.join(tree, "sbin/modprobe"));
  fs.cpSync(path.join(IMAGE_SOURCES, "initramfs/init"), path.join(tree, "init"));
  const modules = modulesFor("start");
  await copyModules(packages, tree, modules);
  writeList(path.join(tree, "etc/modules"), modules);
}

/** Debian has two kinds of links to a library: by a path from the root, and beside it. Both stay as they are. */
const COPY = { recursive: true, verbatimSymlinks: true, force: true };

/**
 * The root's tree: Debian's packages, what is in firmware/image/root, and vpnmasq.
 * @param key names the image: packages that are installed over one are not for another
 */
export async function makeRootTree(packages: string, tree: string, key: string): Promise<void> {
  fs.cpSync(packages, tree, { ...COPY, filter: (source) => !UNUSED.includes(path.relative(packages, source)) });
  for (const folder of MOUNT_POINTS) fs.mkdirSync(path.join(tree, folder), { recursive: true });
  await copyModules(packages, tree, modulesFor("root", "demand"));
  fs.cpSync(path.join(IMAGE_SOURCES, "root"), tree, COPY);
  writeList(path.join(tree, "etc/board/modules"), modulesFor("root"));
  writeList(path.join(tree, "usr/share/board/image"), [key]);
  for (const [from, to] of PRODUCT) {
    fs.mkdirSync(path.dirname(path.join(tree, to)), { recursive: true });
    fs.cpSync(from, path.join(tree, to));
  }
  for (const [link, target] of FOLDER_LINKS) {
    fs.mkdirSync(path.dirname(path.join(tree, link)), { recursive: true });
    fs.symlinkSync(target, path.join(tree, link));
  }
  for (const link of BUSYBOX_LINKS) fs.symlinkSync("/bin/busybox", path.join(tree, link));
}
