// SPDX-License-Identifier: GPL-2.0-only
// vpnmasq as it is installed, run as the router of a site.

import { json } from "./json";
import { kill, must, run, start, textOf, waitUntil, writeText } from "./programs";
import type { Site } from "./site";

/** From build/lua, where the bench runs. */
const PROGRAM = "../vpnmasq";
/** What the router needs of what is installed on a board, and the rest. */
export const ROUTER_FILES = [PROGRAM, "../vpnmasq.lua"];
export const OTHER_FILES = ["../vpnmasq-offload.lua", "../vpnmasq-rest.lua", "../vpnmasq-help.lua"];
const READY_TIMEOUT_MS = 5000;

/** What of `vpnmasq status --json` the bench reads. */
interface Status {
  readonly compiler: { readonly aborts: number; readonly flushes: number };
  readonly resident_bytes: number;
  readonly kernel_rules: string;
  readonly offload: { readonly lan: OffloadSide; readonly wan: OffloadSide; readonly entries: number };
  readonly esp: { readonly total: number; readonly capacity: number; readonly established: number };
  readonly ike: { readonly total: number; readonly capacity: number };
}

export interface RouterOptions {
  /** Of the configuration's document, beside those that are right for the bench. */
  readonly limits?: Record<string, number>;
  /** Other keys of the document; all packets pass the process unless they say otherwise. */
  readonly settings?: Record<string, unknown>;
  /** Words before the program's own, such as "setpriv --no-new-privs". */
  readonly through?: string;
}

interface OffloadSide {
  readonly place?: string;
  readonly reason: string;
}

export class BenchRouter {
  readonly pid: number;
  readonly control: string;
  /** Where its journal is. */
  readonly directory: string;
  private readonly log: string;

  constructor(site: Site, { limits = {}, settings = {}, through = "" }: RouterOptions = {}) {
    const directory = `/run/${site.name}`;
    const file = `${directory}/configuration.json`;
    this.directory = directory;
    this.control = `${directory}/control.sock`;
    must(`mkdir -p ${directory}`);
    writeText(
      file,
      json.encode({
        lan: "lan",
        wan: "wan",
        control: this.control,
        state_directory: directory,
        // What is measured is the daemon's own way, unless said otherwise.
        offload: "off",
        // Its tunnels are new to it, and there is no IKE to tell of them: it need not listen first.
        limits: { relearn_ms: 0, ...limits },
        ...settings,
      }),
    );
    this.log = `${directory}/log`;
    this.pid = start(`ip netns exec ${site.name} ${through} ${PROGRAM} router --config ${file}`, this.log);
  }

  /** Waits until its rings are open, without asking it anything. */
  waitUntilForwarding(): void {
    const isForwarding = (): boolean => textOf(this.log).includes("router between");
    if (!waitUntil(isForwarding, READY_TIMEOUT_MS)) error(`vpnmasq did not start:\n${textOf(this.log)}`, 0);
  }

  /** Waits until it answers. */
  waitUntilReady(): void {
    const isReady = (): boolean => run(`${PROGRAM} status --control ${this.control}`)[0] !== undefined;
    if (!waitUntil(isReady, READY_TIMEOUT_MS)) error(`vpnmasq did not start:\n${textOf(this.log)}`, 0);
  }

  status(): Status {
    return json.decode(must(`${PROGRAM} status --json --control ${this.control}`)) as Status;
  }

  /** What it said. */
  logText(): string {
    return textOf(this.log);
  }

  kill(): void {
    kill(this.pid);
  }
}
