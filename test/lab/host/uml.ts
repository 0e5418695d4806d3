// SPDX-License-Identifier: GPL-2.0-only
// One guest: User-Mode Linux booted on the cached root, bounded in time and memory, its progress read from its console,
// its result from a file.
//
// Nothing may stay behind (src/host/run-traces.ts). The guest runs in a process-id namespace of its own whose first process
// dies with this one, and it with that (unshare --kill-child), so even kill -9 of this process ends the guest.

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import type { ResultDocument } from "../../../src/host/document.js";
import { Refusal } from "../../../src/host/refusal.js";
import { atEndOfRun, DYING_WITH_US, makeRunFolder, type Trace } from "../../../src/host/run-traces.js";
import { answerOrder, cableWords, type OutsideRouter } from "./outside-router.js";

const MEMORY = "512M";
const TIME_LIMIT_MS = 300_000;
const LONG_TIME_LIMIT_MS = 900_000;
const PROGRESS_PREFIX = "@ ";
const ORDER_PREFIX = "! ";
const CONSOLE_LINES_KEPT = 20;

/** What a scenario found, and text of it for a person. */
export interface ScenarioResult extends ResultDocument {
  readonly exhibits: readonly string[];
  /** What happened when, a text for each run of the experiment. */
  readonly timeLines: readonly string[];
}

/** A directory for one guest: the root by a link, a copy of what is under test, and a place for the result. */
function makeRunDirectory(root: string): Trace {
  const trace = makeRunFolder("lab");
  const directory = trace.name;
  fs.symlinkSync(root, path.join(directory, "root"));
  fs.mkdirSync(path.join(directory, "out"));
  for (const name of ["lua", "vpnmasq", "vpnmasq.lua", "vpnmasq-offload.lua", "vpnmasq-rest.lua"]) {
    const source = path.resolve("build", name);
    if (fs.existsSync(source))
      fs.cpSync(source, path.join(directory, "build", name), { recursive: true, dereference: true });
  }
  return trace;
}

/** Which experiment is made, and in which form. */
export interface GuestTask {
  readonly scenario: string;
  /** The long form, where there is one. */
  readonly isLong: boolean;
  /** Without one the router is in the guest. */
  readonly router?: OutsideRouter;
}

function kernelArguments(directory: string, { scenario, isLong, router }: GuestTask): string[] {
  return [
    `mem=${MEMORY}`,
    "root=/dev/root",
    "rootfstype=hostfs",
    `rootflags=${directory}/root/`,
    "ro",
    "init=/init",
    "quiet",
    "con=null",
    "con0=null,fd:1",
    "ssl=null",
    `uml_dir=${directory}`,
    `LAB_RUN=${directory}`,
    `LAB_SCENARIO=${scenario}`,
    `LAB_LONG=${isLong ? 1 : 0}`,
    `LAB_ROUTER=${router === undefined ? "guest" : "board"}`,
    ...(router === undefined ? [] : cableWords(router)),
  ];
}

function boot(directory: string, task: GuestTask): ChildProcess {
  const kernel = path.join(directory, "root/usr/bin/linux.uml");
  const inOwnProcesses = ["unshare", "--pid", "--fork", "--kill-child=KILL"];
  const inNamespace = task.router === undefined ? [] : ["ip", "netns", "exec", task.router.namespace];
  const words = [...DYING_WITH_US, ...inNamespace, ...inOwnProcesses, kernel, ...kernelArguments(directory, task)];
  const [program = "", ...others] = words;
  return spawn(program, others, { stdio: ["ignore", "pipe", "pipe"], detached: true });
}

interface Listeners {
  readonly progress: (text: string) => void;
  readonly order: (text: string) => void;
}

/** Reads the console: lines of the scenario go to who listens, the rest is kept for the reader of a failure. */
async function readConsole(child: ChildProcess, { progress, order }: Listeners): Promise<string[]> {
  const others: string[] = [];
  for await (const line of readline.createInterface({ input: child.stdout! })) {
    if (line.startsWith(PROGRESS_PREFIX)) progress(line.slice(PROGRESS_PREFIX.length).trimEnd());
    else if (line.startsWith(ORDER_PREFIX)) order(line.slice(ORDER_PREFIX.length));
    else others.push(line.trimEnd());
    if (others.length > CONSOLE_LINES_KEPT) others.shift();
  }
  return others;
}

function waitForEnd(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      resolve();
    });
  });
}

function readResult(directory: string): ScenarioResult | undefined {
  const file = path.join(directory, "out/result.json");
  if (!fs.existsSync(file)) return undefined;
  const found = JSON.parse(fs.readFileSync(file, "utf8")) as ScenarioResult;
  // The guest's JSON library writes an empty list as an empty object.
  return {
    ...found,
    notes: Object.values(found.notes),
    exhibits: Object.values(found.exhibits),
    timeLines: Object.values(found.timeLines),
  };
}

function withoutResult(scenario: string, timedOutMs: number | undefined, console: readonly string[]): ScenarioResult {
  const why = timedOutMs !== undefined ? `was ended after ${timedOutMs / 1000} s` : "ended without a result";
  const notes = [`FAILED: the guest ${why}. The last lines of its console:`, ...console];
  return { name: scenario, ok: false, figures: {}, notes, exhibits: [], timeLines: [] };
}

/**
 * Runs one scenario in a guest of its own.
 * @param root from `guestRoot`
 * @param progress gets a line at a time
 */
export async function runGuest(
  root: string,
  task: GuestTask,
  progress: (text: string) => void,
): Promise<ScenarioResult> {
  const run = makeRunDirectory(root);
  const directory = run.name;
  const child = boot(directory, task);
  const forget = atEndOfRun(() => child.kill("SIGKILL"));
  const limitMs = task.isLong ? LONG_TIME_LIMIT_MS : TIME_LIMIT_MS;
  const order = (text: string): void => {
    if (task.router !== undefined) void answerOrder(task.router, text, path.join(directory, "out"));
  };
  let hasTimedOut = false;
  const limit = setTimeout(() => {
    hasTimedOut = true;
    child.kill("SIGKILL");
  }, limitMs);
  try {
    const [console] = await Promise.all([readConsole(child, { progress, order }), waitForEnd(child)]);
    return readResult(directory) ?? withoutResult(task.scenario, hasTimedOut ? limitMs : undefined, console);
  } catch (problem) {
    throw new Refusal(`The guest could not be started: ${String(problem)}`);
  } finally {
    clearTimeout(limit);
    forget();
    run.remove();
  }
}
