// SPDX-License-Identifier: GPL-2.0-only
// What a run of a tool leaves outside of itself: folders in the machine's temporary one, and network namespaces.
//
// Each carries the run's process id in its name. It goes away with the work that needed it, or else when the process ends
// or is told to end. A process that is killed can do nothing any more: what it leaves is swept by the next run. Its children
// die with it, by themselves (prctl PR_SET_PDEATHSIG): see `dyingWithUs`.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { isAlive } from "./lock.js";
import { runProgram } from "./run-program.js";

/** Of all names, whatever is behind the process id. */
const OURS = /^vpnmasq-[a-z]+-(\d+)(-|$)/;
/** Where `ip netns` keeps its names (ip-netns(8)). */
const NAMESPACES = "/run/netns";

/** Ends something at once, without waiting for it. */
type Ending = () => void;

const endings = new Set<Ending>();

/** Remembers what is to be done when the process ends. @returns what forgets it */
export function atEndOfRun(ending: Ending): () => void {
  endings.add(ending);
  return () => endings.delete(ending);
}

function isLeft(name: string): boolean {
  const owner = OURS.exec(name)?.[1];
  return owner !== undefined && !isAlive(Number(owner));
}

function namesIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}

/** The same again may be swept by another run at the same time. */
function removeNamespaceNow(name: string): void {
  try {
    execFileSync("ip", ["netns", "del", name], { stdio: "ignore" });
  } catch {
    // it is gone already
  }
}

/** Removes what processes left that are gone. */
export function sweepTraces(): void {
  for (const name of namesIn(NAMESPACES).filter(isLeft)) removeNamespaceNow(name);
  for (const name of namesIn(os.tmpdir()).filter(isLeft)) {
    fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

/** Sweeps, and makes sure that this run leaves nothing when it ends or is told to. Call it once, before anything else. */
export function beginRun(): void {
  sweepTraces();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + os.constants.signals[signal]));
  }
  process.once("exit", () => {
    // What came last uses what came first.
    for (const ending of [...endings].reverse()) ending();
  });
}

/** Something that is there until it is removed, or the process ends. */
export interface Trace {
  /** A folder's path, a namespace's name. */
  readonly name: string;
  readonly remove: () => void;
}

function traceOf(name: string, ending: Ending): Trace {
  const forget = atEndOfRun(ending);
  const remove = (): void => {
    forget();
    ending();
  };
  return { name, remove };
}

/** A new folder. @param kind lower-case letters: what for */
export function makeRunFolder(kind: string): Trace {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `vpnmasq-${kind}-${process.pid}-`));
  return traceOf(folder, () => {
    fs.rmSync(folder, { recursive: true, force: true });
  });
}

/** A new network namespace; a run has one of a kind. @throws Refusal when it cannot be made */
export async function makeRunNamespace(kind: string): Promise<Trace> {
  const name = `vpnmasq-${kind}-${process.pid}`;
  await runProgram("ip", ["netns", "add", name]);
  return traceOf(name, () => {
    removeNamespaceNow(name);
  });
}

/** The words of a command, in front of which they make it die with this process, however that ends. */
export const DYING_WITH_US = ["setpriv", "--pdeathsig", "KILL"] as const;
