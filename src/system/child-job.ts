// SPDX-License-Identifier: GPL-2.0-only
// Running another program beside the event loop: nothing waits for it, and it has a limit of time.
//
// Its output is read as it comes. Its end is looked for at every tick, because a descriptor does not tell of it: a
// program may close its output and run on, or leave a child behind that keeps it open. When the time is over it is
// killed with everything it started.

import { abi } from "./abi/constants";
import { Collector, endOf, makePipe, type RunResult, start } from "./child-process";
import { type EventLoop, READABLE } from "./event-loop";
import { declareC, type Ptr } from "./ffi";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";

/** @noSelf */
interface JobLibrary {
  fcntl(fd: number, command: number, argument: number): number;
  kill(pid: number, signal: number): number;
  waitpid(pid: number, status: Ptr<number> | undefined, options: number): number;
  close(fd: number): number;
}

const C = declareC<JobLibrary>(`
  int fcntl(int fd, int command, long argument);
  int kill(int pid, int signal);
  int waitpid(int pid, int *status, int options);
  int close(int fd);
`);

/** fcntl.h, signal.h: equal everywhere. */
const F_SETFL = 4;
const SIGKILL = 9;
/** What an ended program left in a pipe is read in so many pieces at most: a pipe holds 16 of them. */
const REST_READS_MAX = 16;

export interface JobOptions {
  /** After this it is killed. */
  readonly timeoutMs: number;
  /** Most bytes kept of its output and of its error output, each; the rest is read and dropped. */
  readonly outputBytesMax: number;
}

/** Called once, by {@link ChildJob.tick}: with the result whatever the status, or with what was wrong. */
export type JobDone = (this: void, result: RunResult | undefined, problem: string | undefined) => void;

export class ChildJob {
  private killedBecause: string | undefined;
  private isOver = false;

  private constructor(
    private readonly loop: EventLoop,
    private readonly name: string,
    private readonly pid: number,
    private readonly endMs: number,
    private readonly timeoutMs: number,
    private readonly streams: readonly Collector[],
    private readonly done: JobDone,
  ) {}

  /**
   * Starts a program (found through PATH) with an empty input.
   * @param nowMs of the clock that {@link tick} is called with
   */
  static start(
    this: void,
    loop: EventLoop,
    argv: readonly string[],
    { timeoutMs, outputBytesMax }: JobOptions,
    nowMs: number,
    done: JobDone,
  ): Outcome<ChildJob> {
    const [pipes, pipeProblem] = makePipes(3);
    if (pipes === undefined) return fail(pipeProblem);
    const [input, output, errorOutput] = pipes;
    const ends = { input: input.readEnd, output: output.writeEnd, errorOutput: errorOutput.writeEnd };
    const [pid, problem] = start(argv, ends);
    for (const fd of [input.readEnd, input.writeEnd, output.writeEnd, errorOutput.writeEnd]) C.close(fd);
    if (pid === undefined) {
      C.close(output.readEnd);
      C.close(errorOutput.readEnd);
      return fail(problem);
    }
    const streams = [output, errorOutput].map(({ readEnd }) => new Collector(readEnd, outputBytesMax));
    const job = new ChildJob(loop, argv[0], pid, nowMs + timeoutMs, timeoutMs, streams, done);
    for (const stream of streams) job.watch(stream);
    return succeed(job);
  }

  isRunning(): boolean {
    return !this.isOver;
  }

  /** Looks whether it has ended or its time is over. To be called a few times a second until it has ended. */
  tick(nowMs: number): void {
    if (this.isOver) return;
    const status = endOf(this.pid);
    if (status !== undefined) this.finish(status);
    else if (nowMs >= this.endMs) this.kill(`killed, not done after ${this.timeoutMs} ms`);
  }

  /** Ends it before its time; {@link tick} tells when that is done. */
  cancel(): void {
    this.kill("no longer wanted");
  }

  /** Ends it now and tells nobody. */
  abandon(): void {
    if (this.isOver) return;
    this.kill("abandoned");
    C.waitpid(this.pid, undefined, 0);
    this.release();
  }

  private watch(stream: Collector): void {
    C.fcntl(stream.fd, F_SETFL, abi.O_NONBLOCK);
    this.loop.watch(stream.fd, READABLE, () => {
      stream.read();
      if (!stream.isOpen) this.loop.unwatch(stream.fd);
    });
  }

  /** Its session, too: a shell that it is may have started the program that hangs. */
  private kill(reason: string): void {
    if (this.isOver || this.killedBecause !== undefined) return;
    this.killedBecause = reason;
    C.kill(-this.pid, SIGKILL);
    C.kill(this.pid, SIGKILL);
  }

  private finish(status: number): void {
    for (const stream of this.streams) {
      for (const _ of $range(1, REST_READS_MAX)) {
        if (stream.isOpen) stream.read();
      }
    }
    this.release();
    const [output, errorOutput] = this.streams;
    if (this.killedBecause !== undefined) this.done(undefined, `${this.name}: ${this.killedBecause}`);
    else this.done({ status, output: output.text, errorOutput: errorOutput.text }, undefined);
  }

  private release(): void {
    this.isOver = true;
    for (const stream of this.streams) {
      this.loop.unwatch(stream.fd);
      C.close(stream.fd);
    }
  }
}

interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** All, or none. */
function makePipes(count: number): Outcome<Pipe[]> {
  const pipes: Pipe[] = [];
  let problem: string | undefined;
  while (pipes.length < count && problem === undefined) {
    const [pipe, pipeProblem] = makePipe();
    if (pipe === undefined) problem = pipeProblem;
    else pipes.push(pipe);
  }
  if (problem === undefined) return outcomeOf(pipes, undefined);
  for (const { readEnd, writeEnd } of pipes) {
    C.close(readEnd);
    C.close(writeEnd);
  }
  return fail(problem);
}
