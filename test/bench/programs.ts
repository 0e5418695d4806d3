// SPDX-License-Identifier: GPL-2.0-only
// Other programs: commands run to their end, and processes in the background.
//
// Everything runs in namespaces of the bench's own (host/bench.ts), whose end is the end of every process in them.

import { monotonicMs } from "../../src/system/clock";
import { declareC } from "../../src/system/ffi";
import { readFile } from "../../src/system/files";

/** @noSelf */
interface SleepLibrary {
  usleep(microseconds: number): number;
}

const C = declareC<SleepLibrary>("int usleep(unsigned microseconds);");

const STATUS_MARK = "bench-exit-status:";
const LOG_BYTES_MAX = 100000;
const POLL_MS = 5;
const END_TIMEOUT_MS = 2000;

export function sleepMs(durationMs: number): void {
  C.usleep(durationMs * 1000);
}

/** Runs a shell command to its end; its output, or undefined and its output when it failed. */
export function run(command: string, input = ""): LuaMultiReturn<[output: string | undefined, problem: string]> {
  const fed = input === "" ? "</dev/null" : `<<'bench-end-of-input'\n${input}\nbench-end-of-input`;
  const [pipe] = io.popen(`( ${command}\n) 2>&1 ${fed}\necho ${STATUS_MARK}$?`, "r");
  const text = pipe!.read("*a") ?? "";
  pipe!.close();
  const [output, status] = string.match(text, "^(.*)bench%-exit%-status:(%d+)");
  if (status === "0") return $multi(output, "");
  return $multi(undefined, output ?? text);
}

/** Runs a shell command that must succeed; its output. */
export function must(command: string, input = ""): string {
  const [output, problem] = run(command, input);
  if (output === undefined) error(`\`${command}\` failed:\n${problem}`, 0);
  return output;
}

/** Starts a program in the background, its output in a file; its process number. */
export function start(command: string, log: string): number {
  return tonumber(must(`${command} >${log} 2>&1 </dev/null & echo $!`))!;
}

/** Ends a process and waits until it holds nothing any more. */
export function kill(pid: number): void {
  run(`kill -KILL ${pid}`);
  waitUntil(() => string.match(textOf(`/proc/${pid}/stat`), "%) ([^Z])")[0] === undefined, END_TIMEOUT_MS);
}

export function textOf(path: string): string {
  return readFile(path, LOG_BYTES_MAX)[0] ?? "";
}

export function writeText(path: string, text: string): void {
  const [file, problem] = io.open(path, "w");
  if (file === undefined) error(problem, 0);
  file.write(text);
  file.close();
}

/** Waits until the condition holds; whether it came to hold within the time. */
export function waitUntil(condition: () => boolean, timeoutMs: number): boolean {
  const deadlineMs = monotonicMs() + timeoutMs;
  while (!condition()) {
    if (monotonicMs() > deadlineMs) return false;
    sleepMs(POLL_MS);
  }
  return true;
}
