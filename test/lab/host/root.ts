// SPDX-License-Identifier: GPL-2.0-only
// The guest's root file system: a Debian tree with its own kernel and libreswan, made once and kept in the user's cache.
//
// Packages are unpacked, not installed (mmdebstrap's variant "extract"): no maintainer script runs, which takes 25 s
// instead of 90, and the few things such scripts would have done are done by `finish`. A tree is built under another name and
// renamed when it is complete, so whatever kills the build leaves nothing that looks finished.

import { execFileSync, spawn } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { cacheDirectory } from "../../../src/host/cache.js";
import { DEBIAN_SUITE, debianSources } from "../../../src/host/debian-sources.js";
import { Refusal } from "../../../src/host/refusal.js";
import { takeLock } from "../../../src/host/lock.js";

const NEEDED_BYTES = 1_000_000_000;

/** What is in the guest, and why. */
const PACKAGES: Readonly<Record<string, string>> = {
  "user-mode-linux": "the kernel with its modules",
  libreswan: "real IKE at both ends",
  luajit: "runs vpnmasq and the lab's own program",
  "lua-cjson": "vpnmasq and the lab's results",
  "lua-argparse": "vpnmasq's command line",
  "lua-unit": "vpnmasq's self-test",
  iproute2: "namespaces, links, addresses, SAs",
  iptables: "stock masquerade",
  "iputils-ping": "long and unfragmented packets",
  tcpdump: "for whoever looks into the guest by hand",
  kmod: "loads kernel modules",
  procps: "sysctl",
  coreutils: "rm, mkdir, tail, timeout",
  mount: "file systems of the guest",
  dash: "the shell",
  "libc-bin": "ldconfig",
  "base-files": "the tree itself",
  "base-passwd": "users and groups",
  libcap2: "strongSwan needs it",
  libgmp10: "likewise, for the key exchange",
  "libevent-2.1-7": "OpenIKED needs it",
  libssl3: "likewise",
};

/**
 * Unpacked behind apt's back: Debian installs one IKE daemon at a time, but their files do not meet. What they need has
 * to be among PACKAGES.
 */
const BESIDE_LIBRESWAN: Readonly<Record<string, string>> = {
  libstrongswan: "strongSwan's cryptography, and its way to the kernel",
  "strongswan-libcharon": "its IKE",
  "charon-systemd": "its daemon, which does without systemd",
  "strongswan-swanctl": "drives the daemon",
  openiked: "strongSwan's peer: it alone can be told to take no part in NAT traversal",
};

/** Runs on this machine; mmdebstrap gives it the tree's path. Its apt knows the tree's sources only. */
const UNPACK_BESIDE = `set -e
cd "$1/tmp"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get download -qq ${Object.keys(BESIDE_LIBRESWAN).join(" ")}
for package in *.deb; do
  dpkg --fsys-tarfile "$package" | tar -x --keep-directory-symlink --exclude=./usr/share/doc -C "$1"
  rm "$package"
done
`;

/** Makes of unpacked packages a tree that boots; runs in the tree. */
const FINISH = `set -e
cp /usr/share/base-passwd/passwd.master /etc/passwd
cp /usr/share/base-passwd/group.master /etc/group
ldconfig
mkdir -p /lib/modules /lab/build /lab/run
mv /usr/lib/uml/modules/* /lib/modules/
depmod "$(ls /lib/modules)"
ipsec initnss >/dev/null
mkdir -p /var/lib/openiked/empty
echo '_iked:*:490:490::/var/lib/openiked/empty:/usr/sbin/nologin' >>/etc/passwd
echo '_iked:*:490:' >>/etc/group
`;

/** The guest's first process. LAB_… come from the kernel's command line. */
const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t hostfs build /lab/build -o "$LAB_RUN/build"
mount -t hostfs run /lab/run -o "$LAB_RUN/out"
cd /lab/build/lua
LUA_PATH='./?.lua;/usr/share/lua/5.1/?.lua' luajit test/lab/guest/main.lua "$LAB_SCENARIO" /lab/run/result.json
luajit -e 'local ffi = require("ffi"); ffi.cdef("int reboot(int);"); ffi.C.reboot(0x4321fedc)'
`;

/** OpenIKED does not start without a key pair, even where it proves itself by a shared secret. */
function writeIkedKey(tree: string): void {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const file = path.join(tree, "etc/iked/private/local.key");
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
}

/** A name for what a root is made from, so that another recipe makes another root. */
function recipeKey(): string {
  const recipe = JSON.stringify([DEBIAN_SUITE, process.arch, PACKAGES, UNPACK_BESIDE, FINISH, INIT]);
  return createHash("sha256").update(recipe).digest("hex").slice(0, 16);
}

function refuseWithoutSpace(directory: string): void {
  const { bavail, bsize } = fs.statfsSync(directory);
  const free = bavail * bsize;
  if (free < NEEDED_BYTES) {
    throw new Refusal(
      `The lab's guest needs ${NEEDED_BYTES / 1e6} MB in ${directory}; ` +
        `${Math.floor(free / 1e6)} MB are free.\nFree some, or set XDG_CACHE_HOME to a place that has them.`,
    );
  }
}

/** Runs a program, handing on what it says on standard error. @throws Refusal with its last lines when it fails */
async function runWithLines(program: string, argv: readonly string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn(program, argv, { stdio: ["ignore", "ignore", "pipe"] });
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of readline.createInterface({ input: child.stderr })) {
      lines.push(line);
      onLine(line);
    }
  })();
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (problem) => {
      reject(new Refusal(`${program} could not be started (${problem.message}). Is its Debian package installed?`));
    });
    child.once("close", resolve);
  });
  await reading;
  if (status !== 0) throw new Refusal(`${program} failed:\n${lines.slice(-15).join("\n")}`);
}

async function build(target: string, progress: (text: string) => void): Promise<void> {
  const partial = `${target}.partial-${process.pid}`;
  const packages = Object.keys(PACKAGES).join(",");
  const options = ["--mode=root", "--variant=extract", `--include=${packages}`, `--extract-hook=${UNPACK_BESIDE}`];
  const leaveOut = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"];
  const exclusions = leaveOut.map((pattern) => `--dpkgopt=path-exclude=${pattern}`);
  try {
    await runWithLines("mmdebstrap", [...options, ...exclusions, DEBIAN_SUITE, partial, ...debianSources()], (line) => {
      if (line.startsWith("I: ")) progress(`guest: ${line.slice(3)}`);
    });
    execFileSync("chroot", [partial, "/bin/sh", "-c", FINISH], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    writeIkedKey(partial);
    fs.writeFileSync(path.join(partial, "init"), INIT, { mode: 0o755 });
    fs.renameSync(partial, target);
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
}

/** Trees of builds that were killed. Only the holder of the lock may call this. */
function removeAbandoned(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (name.includes(".partial-")) fs.rmSync(path.join(directory, name), { recursive: true, force: true });
  }
}

/**
 * The guest's root, built first if it is not there.
 * @returns its path
 * @throws Refusal where it cannot be built here
 */
export async function guestRoot(progress: (text: string) => void): Promise<string> {
  const directory = cacheDirectory();
  const target = path.join(directory, `guest-${recipeKey()}`);
  if (fs.existsSync(target)) return target;
  fs.mkdirSync(directory, { recursive: true });
  const unlock = await takeLock(path.join(directory, "guest.lock"), progress);
  try {
    if (fs.existsSync(target)) return target;
    removeAbandoned(directory);
    refuseWithoutSpace(directory);
    progress(`making the guest's file system from Debian packages, once (about 30 s), in ${directory}`);
    await build(target, progress);
    return target;
  } finally {
    unlock();
  }
}
