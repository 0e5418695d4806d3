// SPDX-License-Identifier: GPL-2.0-only
// The simulator's processes: each is a LuaJIT that is given a task and prints its result.

import { type ChildProcess, spawn } from "node:child_process";
import os from "node:os";
import { createInterface } from "node:readline";

/**
 * LuaJIT's compiler is made for small loops; here is a whole world. With its standard limits it throws away all that it
 * has compiled again and again; compiling what runs a few times only costs more than it saves.
 */
const COMPILER = ["-Omaxtrace=20000", "-Omaxmcode=65536", "-Ohotloop=200", "-Ohotexit=50"];

const running = new Set<ChildProcess>();

/** Ends all processes when this one is asked to end. */
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

/** How many tasks run at once. */
export function processCount(): number {
  return os.availableParallelism();
}

/**
 * Gives a process a task, and waits for the result.
 *
 * @param onProgress told of the epochs so far
 * @param folder where the compiled modules are
 * @throws Error when it ends without a result: what it wrote to standard error is the message
 */
export async function perform<Result>(
  task: object,
  onProgress: (epochs: number) => void = () => undefined,
  folder = "build/lua",
): Promise<Result> {
  const command = [...COMPILER, "test/sim/main.lua", JSON.stringify(task)];
  const child = spawn("luajit", command, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let problems = "";
  let result: Result | undefined;
  child.stderr.on("data", (data) => (problems += String(data)));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const said = JSON.parse(line) as Result | { readonly progress: number };
    if (typeof said === "object" && said !== null && "progress" in said) onProgress(said.progress);
    else result = said;
  });
  const ended = Promise.all([
    new Promise((resolve, reject) => child.once("error", reject).once("close", resolve)),
    new Promise((resolve) => lines.once("close", resolve)),
  ]);
  await ended.finally(() => running.delete(child));
  if (result === undefined) throw new Error(`the simulator ended without a result: ${problems.trim()}`);
  return result;
}

/** Performs tasks, as many at once as there are processors; results in the order of the tasks. */
export async function performAll<Result>(tasks: readonly object[], onDone: () => void): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < tasks.length; index = next++) {
      results[index] = await perform<Result>(tasks[index] ?? {});
      onDone();
    }
  };
  await Promise.all(Array.from({ length: processCount() }, work));
  return results;
}
