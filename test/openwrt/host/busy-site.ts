// SPDX-License-Identifier: GPL-2.0-only
// The site with traffic (test/openwrt/busy-site.ts) as a process of a test, which must run in a network and mount
// namespace of its own with an empty /run.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const PATHS = 'package.path="./?.lua;"..package.path';
const READY_MS = 20_000;

export class BusySite {
  private constructor(private readonly process: ChildProcess) {}

  static async start(): Promise<BusySite> {
    const child = spawn("luajit", ["-e", PATHS, "test/openwrt/busy-site.lua"], {
      cwd: "build/lua",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const late = setTimeout(() => child.kill(), READY_MS);
    const [text] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [unknown];
    clearTimeout(late);
    if (!String(text).startsWith("ready")) throw new Error("the site with traffic did not start");
    return new BusySite(child);
  }

  /** The router dies with it. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const end = once(this.process, "exit");
    this.process.kill();
    await end;
  }
}
