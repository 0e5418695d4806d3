// SPDX-License-Identifier: GPL-2.0-only
// A clean root like a router's: busybox, what the package depends on and nothing else, in a network of its own.
//
// The programs are Debian's; procd, ubus and the log are stand-ins, which say so themselves.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const STAND_INS = "test/host/package/stand-in";
/** Where OpenWrt has each stand-in. */
const STAND_IN_PLACES = { "functions.sh": "lib", "rc.common": "etc", ubus: "usr/bin" };
/** What the packages named in `depends` install (kmod-nft-netdev is the kernel's), and setpriv in the place of ujail. */
const PROGRAMS = ["luajit", "nft", "setpriv"];
const LUA_MODULES = ["cjson.so", "argparse.lua"];
const FOLDERS = ["bin", "etc/config", "lib", "usr/bin", "usr/sbin", "tmp/run", "tmp/log", "proc", "sys", "dev"];
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
/** After this it ends, whatever the test does. */
const LIFE_SECONDS = "300";

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** The interfaces as netifd tells of them: devices by logical names; without a device it is down. */
export function networkOf(devices: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(devices).map(([name, device]) => ({
    interface: name,
    up: device !== undefined,
    ...(device === undefined ? { pending: true } : { l3_device: device, device }),
  }));
  return JSON.stringify({ interface: entries });
}

function outputOf(program: string, ...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  assert.equal(status, 0, `${program} ${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** The file and the shared libraries that it loads. */
function withLibraries(file: string): string[] {
  const libraries = outputOf("ldd", file).matchAll(/(?:=> |^\s)(\/\S+)/gm);
  return [file, ...[...libraries].map(([, library = ""]) => library)];
}

function moduleFile(name: string): string {
  const places = outputOf("luajit", "-e", "io.write(package.path, ';', package.cpath)").split(";");
  const [base = ""] = name.split(".");
  const found = places
    .map((place) => place.replace("?", base))
    .find((file) => path.basename(file) === name && fs.existsSync(file));
  assert.ok(found !== undefined, `${name} is not in ${places.join(" ")}`);
  return found;
}

export class RouterRoot {
  readonly path = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-router-"));
  private holder: ChildProcess | undefined;

  /** @param programs of this machine that are wanted besides */
  constructor(programs: readonly string[] = []) {
    for (const folder of FOLDERS) fs.mkdirSync(path.join(this.path, folder), { recursive: true });
    fs.symlinkSync("tmp", path.join(this.path, "var"));
    for (const name of [...PROGRAMS, ...programs])
      this.copy(withLibraries(outputOf("sh", "-c", `command -v ${name}`).trim()));
    for (const name of LUA_MODULES) this.copy([moduleFile(name)]);
    fs.copyFileSync("/bin/busybox", path.join(this.path, "bin/busybox"));
    for (const applet of outputOf("busybox", "--list").trim().split("\n")) {
      if (applet !== "busybox") fs.symlinkSync("busybox", path.join(this.path, "bin", applet));
    }
    for (const [name, folder] of Object.entries(STAND_IN_PLACES)) {
      fs.copyFileSync(path.join(STAND_INS, name), path.join(this.path, folder, name));
    }
  }

  private copy(files: readonly string[]): void {
    for (const file of files) {
      const target = path.join(this.path, file);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.copyFileSync(file, target);
    }
  }

  /** Gives it a network: a bridge's and a WAN's device, neither of which leads anywhere. */
  async start(): Promise<void> {
    const script = [
      `mount --bind /proc ${this.path}/proc`,
      `mount --bind /dev ${this.path}/dev`,
      "ip link set lo up",
      ...["br-lan 192.168.1.1/24", "eth1 192.0.2.10/24"].flatMap((line) => {
        const [device = "", address = ""] = line.split(" ");
        return [
          `ip link add ${device} type veth peer name ${device}-peer`,
          `ip link set ${device}-peer up`,
          `ip address add ${address} dev ${device}`,
          `ip link set ${device} up`,
        ];
      }),
      "echo ready",
      `exec sleep ${LIFE_SECONDS}`,
    ].join(" && ");
    const holder = spawn("unshare", ["--net", "--mount", "--", "sh", "-c", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.holder = holder;
    const [text] = (await Promise.race([once(holder.stdout, "data"), once(holder, "exit")])) as [Buffer | number];
    assert.equal(text.toString(), "ready\n", "the network could not be made");
  }

  /** The words that run a command within, from the shell of this machine. */
  within(command: readonly string[]): string[] {
    const pid = String(this.holder?.pid);
    return ["nsenter", "--target", pid, "--net", "--mount", "--", "chroot", this.path, ...command];
  }

  run(...command: readonly string[]): Ran {
    const [program = "", ...words] = this.within(command);
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8", env: ENVIRONMENT });
    return { status, output: stdout + stderr };
  }

  spawn(command: readonly string[]): ChildProcess {
    const [program = "", ...words] = this.within(command);
    return spawn(program, words, { env: ENVIRONMENT, stdio: ["ignore", "ignore", "pipe"] });
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.path, file), { encoding: "utf8" });
  }

  exists(file: string): boolean {
    return fs.existsSync(path.join(this.path, file));
  }

  write(file: string, text: string | Buffer, mode = 0o644): void {
    const target = path.join(this.path, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text, { mode });
  }

  remove(file: string): void {
    fs.rmSync(path.join(this.path, file), { force: true, recursive: true });
  }

  async close(): Promise<void> {
    if (this.holder?.exitCode === null) {
      this.holder.kill("SIGKILL");
      await once(this.holder, "exit");
    }
    fs.rmSync(this.path, { recursive: true });
  }
}
