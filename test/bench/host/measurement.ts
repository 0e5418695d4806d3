// SPDX-License-Identifier: GPL-2.0-only
// One measurement: a LuaJIT process in namespaces of its own, bounded in time, whose result is what it prints.
//
// Nothing may stay behind. Links, routers and files are made in network, mount and process-id namespaces; the first
// process in them dies with this one (prctl PR_SET_PDEATHSIG by setpriv, then unshare --kill-child) and they with it,
// so even kill -9 of this process ends everything.
//
// What else the machine does disturbs, so the measurement runs before all ordinary processes (SCHED_FIFO) where that is
// allowed. The kernel still leaves a twentieth of the time to the others (sched_rt_runtime_us).

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import os from "node:os";
import type { ResultDocument } from "../../../src/host/document.js";

/** What makes a measurement, and how long it may take. */
export interface Measuring {
  /** A Lua program in build/lua that takes a measurement's name and prints a result. */
  readonly program: string;
  readonly limitMs: number;
  /** Further words for the program. */
  readonly words?: readonly string[];
  /** No time is measured: it runs as any other process, and takes nothing from them. */
  readonly isPatient?: boolean;
}

/** The longest, `offload`, takes a minute and a half on a machine that does nothing else. */
const BENCH: Measuring = { program: "test/bench/main.lua", limitMs: 240_000 };

const running = new Set<ChildProcess>();

/** A network of its own is seen in /sys only by who mounts it there; /run holds what the measurement writes. */
const PREPARE = "mount -t sysfs none /sys && mount -t tmpfs none /run && mkdir -p /run/netns";

/** Ends every measurement when this process is asked to end. */
export function endWithProcess(): void {
  const endAll = (): void => {
    for (const child of running) child.kill("SIGKILL");
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endAll();
      process.exit(128 + os.constants.signals[signal]);
    });
  }
  process.once("exit", endAll);
}

function mayRunFirst(): boolean {
  return spawnSync("chrt", ["--fifo", "1", "true"]).status === 0;
}

function command(name: string, { program, words = [], isPatient = false }: Measuring): string[] {
  const first = !isPatient && mayRunFirst() ? "chrt --fifo 1 " : "";
  const namespaces = ["unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=KILL"];
  const inside = `${PREPARE} && exec ${first}luajit ${program} "$0" "$@"`;
  return ["--pdeathsig", "KILL", ...namespaces, "sh", "-c", inside, name, ...words];
}

function failed(name: string, why: string): ResultDocument {
  return { name, ok: false, figures: {}, notes: [`FAILED: ${why}`] };
}

function resultOf(name: string, output: string, problems: string): ResultDocument {
  try {
    const found = JSON.parse(output) as ResultDocument;
    // The Lua side's JSON library writes an empty list as an empty object.
    return { ...found, notes: Object.values(found.notes) };
  } catch {
    return failed(name, `it ended without a result. ${problems.trim()}`);
  }
}

/** Makes one measurement of those that the program's `--list` names. */
export async function measure(name: string, measuring = BENCH): Promise<ResultDocument> {
  const { limitMs } = measuring;
  const child = spawn("setpriv", command(name, measuring), { cwd: "build/lua", stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let [output, problems, hasTimedOut] = ["", "", false];
  child.stdout.on("data", (data) => (output += String(data)));
  child.stderr.on("data", (data) => (problems += String(data)));
  const limit = setTimeout(() => {
    hasTimedOut = true;
    child.kill("SIGKILL");
  }, limitMs);
  try {
    await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  } catch (problem) {
    return failed(name, `it could not be started: ${String(problem)}`);
  } finally {
    clearTimeout(limit);
    running.delete(child);
  }
  return hasTimedOut ? failed(name, `it was ended after ${limitMs / 1000} s`) : resultOf(name, output, problems);
}
