// SPDX-License-Identifier: GPL-2.0-only
// One builder at a time: a file that names its owner, and that a dead owner does not hold.

import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 500;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === "EPERM";
  }
}

function tryTake(file: string): boolean {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== "EEXIST") throw problem;
    return false;
  }
}

function ownerOf(file: string): number | undefined {
  try {
    return Number(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** Waits for the lock and takes it. @returns what gives it back. */
export async function takeLock(file: string, progress: (text: string) => void): Promise<() => void> {
  let hasTold = false;
  while (!tryTake(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && !isAlive(owner)) {
      fs.rmSync(file, { force: true });
      continue;
    }
    if (!hasTold) progress(`waiting for process ${String(owner)}, which is making the same`);
    hasTold = true;
    await sleep(RETRY_MS);
  }
  return () => {
    fs.rmSync(file, { force: true });
  };
}
