// SPDX-License-Identifier: GPL-2.0-only
// Running programs in the guest: short ones to their end, daemons in the background with their output in a file.
//
// Starting a process costs 10 to 50 ms under User-Mode Linux, so callers batch their work (`ip -b`, `modprobe -a`).

import { sleepMs } from "./clock";
import { C, ffi, type Memory, mustSucceed, O_WRONLY_CREATE_APPEND, SIGKILL, WNOHANG } from "./libc";

/** What a program that ran to its end has left. */
export interface Ended {
  readonly status: number;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Behind standard input, output and error; no scenario has this many. */
const FIRST_OWN_FD = 3;
const LAST_OWN_FD = 255;

const STATUS_MARK = "lab-exit-status:";

/** Runs a shell command to its end, with its input from `input`. */
export function run(command: string, input = ""): Ended {
  const fed = input === "" ? `</dev/null` : `<<'lab-end-of-input'\n${input}\nlab-end-of-input`;
  const [pipe] = io.popen(`( ${command}\n) 2>&1 ${fed}\necho ${STATUS_MARK}$?`, "r");
  const text = pipe!.read("*a") ?? "";
  pipe!.close();
  const [output, status] = string.match(text, `^(.*)${string.gsub(STATUS_MARK, "%-", "%%-")[0]}(%d+)`);
  return { status: tonumber(status) ?? -1, output: output ?? text };
}

/** Runs a shell command that cannot fail in a sound lab; ends the scenario with its output if it does. */
export function must(command: string, input = ""): string {
  const ended = run(command, input);
  if (ended.status !== 0) error(`\`${command}\` failed (status ${ended.status}):\n${ended.output}`, 0);
  return ended.output;
}

/** A program in the background. */
export interface Daemon {
  readonly pid: number;
  readonly log: string;
}

/**
 * Starts a program in the background, its output appended to a file.
 * @param argv program and arguments; no shell is in between, so the process id is the program's own.
 */
export function spawn(argv: readonly string[], log: string): Daemon {
  const pid = mustSucceed(C.fork(), "fork");
  if (pid === 0) {
    const fd = C.open(log, O_WRONLY_CREATE_APPEND, ffi.cast("int", 0o644));
    C.dup2(fd, 1);
    C.dup2(fd, 2);
    C.execvp(argv[0], argumentVector(argv));
    C._exit(127);
  }
  return { pid, log };
}

function argumentVector(argv: readonly string[]): unknown {
  const vector = ffi.new("const char *[?]", argv.length + 1) as Memory<string>;
  for (let index = 0; index < argv.length; index++) vector[index] = argv[index];
  return ffi.cast("char *const *", vector);
}

/** Whether the program still runs; a program that has ended is reaped. */
export function isRunning(daemon: Daemon): boolean {
  return C.waitpid(daemon.pid, undefined, WNOHANG) === 0;
}

/** Kills the program so that it can do nothing about it, and waits until it is gone. */
export function killNow(daemon: Daemon): void {
  C.kill(daemon.pid, SIGKILL);
  C.waitpid(daemon.pid, undefined, 0);
}

/** Asks the program to end, and kills it if it does not within the time. */
export function stop(daemon: Daemon, signal: number, timeoutMs: number): void {
  C.kill(daemon.pid, signal);
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 10) {
    if (!isRunning(daemon)) return;
    sleepMs(10);
  }
  killNow(daemon);
}

/**
 * Does something that takes its time in a process of its own, for which nobody waits. It has none of this one's sockets:
 * their ports would be taken for as long as it lives.
 */
export function inBackground(action: (this: void) => void): void {
  const pid = mustSucceed(C.fork(), "fork");
  if (pid !== 0) return;
  for (const fd of $range(FIRST_OWN_FD, LAST_OWN_FD)) C.close(fd);
  action();
  C._exit(0);
}

/** A file's text; empty when there is none. */
export function readText(path: string): string {
  const [file] = io.open(path, "r");
  if (file === undefined) return "";
  const text = file.read("*a") ?? "";
  file.close();
  return text;
}

export function writeText(path: string, text: string): void {
  const [file, problem] = io.open(path, "w");
  if (file === undefined) error(problem, 0);
  file.write(text);
  file.close();
}
