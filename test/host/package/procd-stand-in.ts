// SPDX-License-Identifier: GPL-2.0-only
// Stands in for procd, which neither Debian nor npm has: runs what the init script asks for, and counts.
//
// As procd does (its service/instance.c), it restarts an instance whose parameters or whose `file`s changed, ends one that
// is not named any more, and leaves the others alone.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readTranscript, type Instance } from "./procd-transcript.js";
import type { RouterRoot } from "./router-root.js";

interface Running {
  readonly fingerprint: string;
  readonly child: ChildProcess;
}

const TRANSCRIPT = "tmp/procd";

export class ProcdStandIn {
  readonly running = new Map<string, Running>();
  /** Of all instances, since the beginning. */
  starts = 0;

  constructor(private readonly root: RouterRoot) {}

  private fingerprintOf({ parameters, jail }: Instance): string {
    const files = (parameters.get("file") ?? []).map((file) =>
      createHash("md5").update(this.root.read(file)).digest("hex"),
    );
    return JSON.stringify([...parameters, jail, files]);
  }

  private async end(name: string): Promise<void> {
    const child = this.running.get(name)?.child;
    this.running.delete(name);
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }

  private async apply(instances: readonly Instance[]): Promise<void> {
    for (const name of [...this.running.keys()]) {
      if (!instances.some((one) => one.name === name)) await this.end(name);
    }
    for (const instance of instances) {
      const fingerprint = this.fingerprintOf(instance);
      if (this.running.get(instance.name)?.fingerprint === fingerprint) continue;
      await this.end(instance.name);
      const child = this.root.spawn(instance.parameters.get("command") ?? []);
      this.running.set(instance.name, { fingerprint, child });
      this.starts += 1;
    }
  }

  /** Runs a command of the root that may call the init script, and does what that tells procd. @returns what it printed */
  async run(...command: readonly string[]): Promise<string> {
    this.root.remove(TRANSCRIPT);
    const { status, output } = this.root.run(...command);
    assert.equal(status, 0, output);
    if (!this.root.exists(TRANSCRIPT)) return output;
    const { isStopped, instances, isStarted } = readTranscript(this.root.read(TRANSCRIPT));
    if (isStopped) await this.apply([]);
    if (isStarted) await this.apply(instances);
    return output;
  }

  async close(): Promise<void> {
    await this.apply([]);
  }
}
