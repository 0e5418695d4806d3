// SPDX-License-Identifier: GPL-2.0-only
// LuaJIT processes that fuzz or replay, and what ends them: a crash shows as a signal, a hang as a counter of executions
// that stands still.

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { escaped } from "./escaped-text.js";
import { createProgressFile, type Progress, readProgress } from "./progress.js";

const LUA_FOLDER = "build/lua";
/** Room for the traces of all that a target reaches; LuaJIT's standard is for programs a tenth as large. */
const COMPILER = ["-Omaxtrace=8000", "-Omaxmcode=16384", "-Omaxside=400"];
const MAIN = "test/fuzz/main.lua";
/** An execution takes a millisecond at most; the machine may be busy with something else for a while. */
const HANG_MS = 10_000;
const LOOK_MS = 1000;
/** A replay is one execution and a start. */
const REPLAY_MS = 2000;

/** What was wrong, and the input, escaped, that brought it about. */
export interface Problem {
  readonly what: string;
  readonly input: string;
}

/** What came of one process. */
export interface Outcome {
  readonly executions: number;
  readonly problems: readonly Problem[];
  /** Escaped inputs that got somewhere new. */
  readonly found: readonly string[];
  readonly reached: number;
  /** It was ended before its time, by a crash or because it hung. */
  readonly isBroken: boolean;
}

interface Report {
  readonly executions: number;
  readonly reached: number;
  readonly found: readonly string[];
  readonly problems: readonly Problem[];
}

export interface Run {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  readonly corpus: string;
  /** A folder for the progress file. */
  readonly folder: string;
}

function broken(what: string, { executions, input }: Progress): Outcome {
  return { executions, problems: [{ what, input: escaped(input) }], found: [], reached: 0, isBroken: true };
}

/** The Lua side's JSON library writes an empty list as an empty object. */
function listOf<Item>(list: readonly Item[]): Item[] {
  return Object.values(list);
}

function outcomeOf(output: string, problems: string, signal: string | null, progress: Progress): Outcome {
  if (signal !== null) return broken(`the process was ended by ${signal}`, progress);
  try {
    const { executions, found, reached, problems: noted } = JSON.parse(output) as Report;
    return { executions, found: listOf(found), reached, problems: listOf(noted), isBroken: false };
  } catch {
    return broken(`the process ended without a result: ${problems.trim().split("\n")[0] ?? ""}`, progress);
  }
}

/** Fuzzes one target in a process of its own. */
export async function fuzz({ target, seconds, seed, corpus, folder }: Run): Promise<Outcome> {
  const progressFile = path.join(folder, `${target}.progress`);
  createProgressFile(progressFile);
  const words = [MAIN, "fuzz", target, String(seconds), String(seed), path.resolve(corpus), path.resolve(progressFile)];
  const child = spawn("luajit", [...COMPILER, ...words], { cwd: LUA_FOLDER, stdio: ["ignore", "pipe", "pipe"] });
  let [output, problems, before, sinceMs, hasHung] = ["", "", -1, Date.now(), false];
  child.stdout.on("data", (data) => (output += String(data)));
  child.stderr.on("data", (data) => (problems += String(data)));
  const watch = setInterval(() => {
    const { executions } = readProgress(progressFile);
    if (executions !== before) [before, sinceMs] = [executions, Date.now()];
    if (Date.now() - sinceMs < HANG_MS) return;
    hasHung = true;
    child.kill("SIGKILL");
  }, LOOK_MS);
  const end = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", end);
  const signal = await new Promise<string | null>((resolve, reject) => {
    child.once("error", reject).once("close", (_, name) => {
      resolve(name);
    });
  }).finally(() => {
    clearInterval(watch);
    process.off("exit", end);
  });
  const progress = readProgress(progressFile);
  fs.rmSync(progressFile);
  return hasHung
    ? broken(`hangs: no end within ${HANG_MS / 1000} s`, progress)
    : outcomeOf(output, problems, signal, progress);
}

/** What is wrong with one input, given in an escaped line; undefined: nothing. */
export function replay(target: string, line: string, folder: string): string | undefined {
  const file = path.join(folder, "replayed");
  fs.writeFileSync(file, `${line}\n`);
  const options = { cwd: LUA_FOLDER, encoding: "utf8", timeout: REPLAY_MS, killSignal: "SIGKILL" } as const;
  const { error, signal, stdout, stderr } = spawnSync("luajit", [MAIN, "replay", target, path.resolve(file)], options);
  if (error !== undefined && "code" in error && error.code === "ETIMEDOUT") return "hangs";
  if (signal !== null) return `the process was ended by ${signal}`;
  try {
    return (JSON.parse(stdout) as { problem?: string }).problem;
  } catch {
    return `the process ended without a result: ${stderr.trim()}`;
  }
}
