// SPDX-License-Identifier: GPL-2.0-only
// The router program as a process of its own, as a person starts it: a configuration file, a log, signals, an end.
//
// It dies with this process. What it leaves on disk is in one folder, which the next run removes if this one cannot.

import { askRouter } from "../../../src/app/control-client";
import { writeJson } from "../../../src/app/json";
import type { CounterItem } from "../../../src/app/report/decision-report";
import type { StatusReport } from "../../../src/app/report/status-report";
import type { Reason } from "../../../src/masquerade/reason";
import { monotonicMs } from "../../../src/system/clock";
import { create, declareC, type Ptr, typeOf } from "../../../src/system/ffi";
import { processId } from "../../../src/system/process";
import { outputOf, shell } from "../system/network";
import type { Namespace } from "./namespace";

/** @noSelf */
interface RouterLibrary {
  fork(): number;
  prctl(option: number, argument: number, third: number, fourth: number, fifth: number): number;
  open(path: string, flags: number, mode: number): number;
  dup2(from: number, to: number): number;
  execvp(file: string, argv: Ptr<unknown>): number;
  _exit(status: number): never;
  kill(pid: number, signal: number): number;
  waitpid(pid: number, status: Ptr<number>, options: number): number;
  poll(entries: undefined, count: number, timeoutMs: number): number;
}

const C = declareC<RouterLibrary>(`
  int fork(void);
  int prctl(int option, unsigned long second, unsigned long third, unsigned long fourth, unsigned long fifth);
  int open(const char *path, int flags, unsigned mode);
  int dup2(int from, int to);
  int execvp(const char *file, void *argv);
  void _exit(int status);
  int kill(int pid, int signal);
  int waitpid(int pid, int *status, int options);
  int poll(void *entries, unsigned long count, int timeout_ms);
`);

const PR_SET_PDEATHSIG = 1;
const WNOHANG = 1;
/** fcntl.h: O_WRONLY, O_CREAT and O_APPEND. */
const APPEND = 0x1 + 0x40 + 0x400;
const POLL_MS = 5;
/** For what the router does at once, on a busy machine. */
const PATIENCE_MS = 5000;

export const SIGNAL = { HUP: 1, KILL: 9, TERM: 15 } as const;

const START = `package.path = "./?.lua;" .. package.path
os.exit(require("src.app.router").runRouter(...))`;

/** Collects all garbage in every round of the event loop, which shows memory that is used after it was let go. */
const COLLECT_GARBAGE = `package.path = "./?.lua;" .. package.path
local loop = require("src.system.event-loop").EventLoop
local round = loop.prototype.runOnce
function loop.prototype.runOnce(...) collectgarbage() return round(...) end`;

/** Waits until a condition holds; whether it came to. */
export function waitUntil(condition: (this: void) => boolean, timeoutMs = PATIENCE_MS): boolean {
  const deadlineMs = monotonicMs() + timeoutMs;
  while (!condition()) {
    if (monotonicMs() > deadlineMs) return false;
    C.poll(undefined, 0, POLL_MS);
  }
  return true;
}

export function sleepMs(durationMs: number): void {
  C.poll(undefined, 0, durationMs);
}

let folders = 0;

/** A folder for one router, named by this process; those of processes that are gone are removed. */
function makeFolder(): string {
  if (folders === 0) {
    shell(`for f in /tmp/vpnmasq-spec.*; do p=\${f#*spec.}; [ -d /proc/\${p%.*} ] || rm -rf "$f"; done`);
  }
  folders += 1;
  const folder = `/tmp/vpnmasq-spec.${processId()}.${folders}`;
  shell(`mkdir -p ${folder}`);
  return folder;
}

function writeText(path: string, text: string): void {
  const [file, problem] = io.open(path, "w");
  if (file === undefined) error(problem, 0);
  file.write(text);
  file.close();
}

export class RouterProcess {
  readonly folder = makeFolder();
  readonly control = `${this.folder}/control.sock`;
  readonly journal = `${this.folder}/state/journal`;
  pid = 0;
  private readonly configPath = `${this.folder}/config.json`;
  private readonly logPath = `${this.folder}/log`;

  constructor(
    private readonly namespace: Namespace,
    private readonly configuration: Readonly<Record<string, unknown>> = {},
  ) {
    this.configure(configuration);
  }

  /** Writes the configuration file: the usual one, with these keys. Packets pass the daemon, unless they say otherwise. */
  configure(keys: Readonly<Record<string, unknown>>): void {
    const stateDirectory = `${this.folder}/state`;
    const usual = { lan: "lan0", wan: "wan0", offload: "off", control: this.control, state_directory: stateDirectory };
    this.writeConfiguration(writeJson({ ...usual, ...this.configuration, ...keys }));
  }

  writeConfiguration(text: string): void {
    writeText(this.configPath, text);
  }

  /** Puts a shell script before the system's program of that name. */
  shadowProgram(name: string, script: string): void {
    shell(`mkdir -p ${this.folder}/bin`);
    writeText(`${this.folder}/bin/${name}`, `#!/bin/sh\n${script}\n`);
    shell(`chmod +x ${this.folder}/bin/${name}`);
  }

  /** Starts it and waits until it is at work. */
  start(options: { collectsGarbage?: boolean } = {}): this {
    const before = string.len(this.log());
    this.launch(options.collectsGarbage === true ? COLLECT_GARBAGE : "");
    const isReady = waitUntil(() => string.find(this.log(), "router between", before + 1, true)[0] !== undefined);
    if (!isReady) error(`the router did not start:\n${this.log()}`, 0);
    return this;
  }

  /** Starts it without waiting; it may well end at once. */
  launch(prelude = ""): void {
    const pointers = create(typeOf<Ptr<unknown>>("const char *[?]"), 8);
    const words = ["luajit", "-e", prelude, "-e", START.replace("...", `"${this.configPath}"`)];
    const path = `PATH=${this.folder}/bin:${os.getenv("PATH")}`;
    words.unshift("env", path);
    for (const [at, word] of words.entries()) pointers[at] = word;
    this.pid = C.fork();
    if (this.pid !== 0) return;
    C.prctl(PR_SET_PDEATHSIG, SIGNAL.KILL, 0, 0, 0);
    this.namespace.enter();
    const log = C.open(this.logPath, APPEND, 0o644);
    C.dup2(log, 1);
    C.dup2(log, 2);
    C.execvp(words[0], pointers);
    C._exit(127);
  }

  signal(signal: number): void {
    C.kill(this.pid, signal);
  }

  /** Waits for its end; the exit status, 128 + the signal's number, or undefined when it goes on running. */
  end(timeoutMs = PATIENCE_MS): number | undefined {
    const status = create(typeOf<Ptr<number>>("int[1]"));
    if (this.pid === 0 || !waitUntil(() => C.waitpid(this.pid, status, WNOHANG) === this.pid, timeoutMs))
      return undefined;
    this.pid = 0;
    const signal = status[0] & 0x7f;
    return signal === 0 ? (status[0] >> 8) & 0xff : 128 + signal;
  }

  stop(): number | undefined {
    this.signal(SIGNAL.TERM);
    return this.end();
  }

  kill(): void {
    this.signal(SIGNAL.KILL);
    this.end();
  }

  log(): string {
    return outputOf(`cat ${this.logPath} 2>/dev/null`);
  }

  /** Waits for a line of the log that has this text. */
  waitForLog(text: string): boolean {
    return waitUntil(() => string.find(this.log(), text, 1, true)[0] !== undefined);
  }

  status(): StatusReport {
    const [report, problem] = askRouter<StatusReport>(this.control, { command: "status" });
    if (report === undefined) error(problem, 0);
    return report;
  }

  /** How often a decision was made. */
  counted(reason: Reason): number {
    const [reply, problem] = askRouter<{ counters: CounterItem[] }>(this.control, { command: "counters" });
    if (reply === undefined) error(problem, 0);
    return reply.counters.find((counter) => counter.reason === reason)?.packets ?? 0;
  }

  /** Ends it in any case, and removes what it left. */
  remove(): void {
    if (this.pid !== 0) this.kill();
    shell(`rm -rf ${this.folder}`);
  }
}
