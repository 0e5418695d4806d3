// SPDX-License-Identifier: GPL-2.0-only
// Runs a command that ends: within a time, and with everything that it started.
//
// Each command leads a process group of its own, so that a test's left-over children die with it, and so do all when
// this process is told to end.

import { type ChildProcess, spawn } from "node:child_process";

/** Between asking a group to end and ending it: time to take down namespaces and guests. */
const GRACE_MS = 10_000;

export interface Ending {
  /** Standard output and error, as they came. */
  readonly output: string;
  readonly isSuccess: boolean;
  /** Why it is no success, for a person: empty when it is. */
  readonly problem: string;
}

const running = new Set<ChildProcess>();

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== "ESRCH") throw problem;
  }
}

/** Makes SIGINT, SIGTERM and SIGHUP end what runs before they end this process. Call it once. */
export function endProcessesWithThisOne(): void {
  for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
    process.once(signal, () => {
      for (const child of running) signalGroup(child, "SIGTERM");
      setTimeout(() => process.exit(128 + number), running.size > 0 ? GRACE_MS : 0);
    });
  }
  process.once("exit", () => {
    for (const child of running) signalGroup(child, "SIGKILL");
  });
}

function problemOf(code: number | null, signal: NodeJS.Signals | null, isLate: boolean, limitMs: number): string {
  if (isLate) return `it did not end within ${String(limitMs / 1000)} s`;
  if (signal !== null) return `it was ended by ${signal}`;
  return code === 0 ? "" : `it ended with status ${String(code)}`;
}

/**
 * Runs the command and waits for it; never throws for what the command does.
 *
 * @param limitMs when it is ended, with its whole process group
 * @param folder the working directory
 */
export function runBounded(command: readonly string[], limitMs: number, folder = "."): Promise<Ending> {
  const [program = "", ...words] = command;
  const child = spawn(program, words, { cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  let isLate = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const limit = setTimeout(() => {
    isLate = true;
    signalGroup(child, "SIGTERM");
  }, limitMs);
  const lastLimit = setTimeout(() => {
    signalGroup(child, "SIGKILL");
  }, limitMs + GRACE_MS);

  return new Promise((resolve) => {
    const finish = (problem: string): void => {
      clearTimeout(limit);
      clearTimeout(lastLimit);
      signalGroup(child, "SIGKILL");
      running.delete(child);
      resolve({ output, isSuccess: problem === "", problem });
    };
    child.once("error", (problem) => {
      finish(`it could not be started: ${problem.message}`);
    });
    // "exit" and not "close": a left-over child may hold the pipes open. What is in them is read first.
    child.once("exit", (code, signal) => setImmediate(finish, problemOf(code, signal, isLate, limitMs)));
  });
}
