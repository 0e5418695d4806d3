// SPDX-License-Identifier: GPL-2.0-only
// Other programs: run one to its end, or keep one that cleans up after us.
//
// Both are started by fork and exec. The child does little between the two and nothing that allocates, and what the
// exec failed with comes back through a pipe that a successful exec closes.

import { abi } from "./abi/constants";
import { monotonicMs } from "./clock";
import { describeError, errno, lastError } from "./errno";
import { FAILED, HUNG_UP, READABLE, WRITABLE } from "./event-loop";
import { byteArray, type BytePtr, cast, create, declareC, lastErrorNumber, type Ptr, stringOf, typeOf } from "./ffi";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";
import { unblockSignals } from "./signals";

/** @noSelf */
interface ProcessLibrary {
  fork(): number;
  execvp(file: string, argv: Ptr<unknown>): number;
  _exit(status: number): never;
  setsid(): number;
  dup2(from: number, to: number): number;
  pipe2(ends: Ptr<number>, flags: number): number;
  waitpid(pid: number, status: Ptr<number>, options: number): number;
  kill(pid: number, signal: number): number;
  signal(signal: number, handler: unknown): unknown;
  fcntl(fd: number, command: number, argument: number): number;
  read(fd: number, buffer: BytePtr | Ptr<number>, lengthBytes: number): number;
  write(fd: number, text: string | Ptr<number>, lengthBytes: number): number;
  close(fd: number): number;
  poll(entries: Ptr<PollEntry> | undefined, count: number, timeoutMs: number): number;
}

interface PollEntry {
  fd: number;
  events: number;
  revents: number;
}

const C = declareC<ProcessLibrary>(`
  int fork(void);
  int execvp(const char *file, void *argv);
  void _exit(int status);
  int setsid(void);
  int dup2(int from, int to);
  int pipe2(int *ends, int flags);
  int waitpid(int pid, int *status, int options);
  int kill(int pid, int signal);
  void *signal(int signal, void *handler);
  int fcntl(int fd, int command, long argument);
  ssize_t read(int fd, void *buffer, size_t length);
  ssize_t write(int fd, const void *buffer, size_t length);
  int close(int fd);
  int poll(void *entries, unsigned long count, int timeout_ms);
`);

/** sys/wait.h, signal.h, fcntl.h: equal everywhere. */
const WNOHANG = 1;
const SIGKILL = 9;
const SIGPIPE = 13;
const F_SETFL = 4;

const SIGNAL_DEFAULT = 0;
const SIGNAL_IGNORE = 1;

/** Shells' status for a command that cannot be executed. */
const CANNOT_EXECUTE = 127;
/** Descriptors from 3 up to here are closed in a child; ours all close on exec, this is for inherited ones. */
const DESCRIPTORS_CLOSED = 256;
/** How often an end that no descriptor tells of is looked for. */
const END_POLL_MS = 10;
const READ_BYTES = 4096;

const intPair = typeOf<Ptr<number>>("int[2]");
const pointerArray = typeOf<Ptr<unknown>>("const char *[?]");
const pollEntries = typeOf<Ptr<PollEntry>>("struct { int fd; short events; short revents; }[3]");
const handlerType = typeOf<unknown>("void *");
const readBuffer = create(byteArray, READ_BYTES);

interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

export function makePipe(): Outcome<Pipe> {
  const ends = create(intPair);
  if (C.pipe2(ends, abi.O_CLOEXEC) !== 0) return fail(lastError("pipe"));
  return succeed({ readEnd: ends[0], writeEnd: ends[1] });
}

/** The descriptors a child gets as 0, 1 and 2; undefined leaves ours. */
interface ChildStreams {
  readonly input: number;
  readonly output: number | undefined;
  readonly errorOutput: number | undefined;
}

/** In the child: becomes the program, or reports why not. Never returns. */
function become(argv: readonly string[], pointers: Ptr<unknown>, streams: ChildStreams, report: number): never {
  C.setsid();
  C.dup2(streams.input, 0);
  if (streams.output !== undefined) C.dup2(streams.output, 1);
  if (streams.errorOutput !== undefined) C.dup2(streams.errorOutput, 2);
  for (const fd of $range(3, DESCRIPTORS_CLOSED - 1)) {
    if (fd !== report) C.close(fd);
  }
  C.signal(SIGPIPE, cast(handlerType, SIGNAL_DEFAULT));
  unblockSignals();
  C.execvp(argv[0], pointers);
  const cause = create(intPair);
  cause[0] = lastErrorNumber();
  C.write(report, cause, 4);
  return C._exit(CANNOT_EXECUTE);
}

/** Starts a program in a session of its own, so that a terminal's signals do not reach it; gives its number. */
export function start(argv: readonly string[], streams: ChildStreams): Outcome<number> {
  if (argv.length === 0) error("child process: no program named");
  const [report, problem] = makePipe();
  if (report === undefined) return fail(problem);
  const pointers = create(pointerArray, argv.length + 1);
  for (const at of $range(0, argv.length - 1)) pointers[at] = argv[at];
  // A write to a child that is gone must be an error, not the end of this process.
  C.signal(SIGPIPE, cast(handlerType, SIGNAL_IGNORE));
  const pid = C.fork();
  if (pid === 0) become(argv, pointers, streams, report.writeEnd);
  const forkProblem = pid < 0 ? lastError(`${argv[0]}: cannot be started`) : undefined;
  C.close(report.writeEnd);
  const cause = create(intPair);
  const told = tonumber(C.read(report.readEnd, cause, 4))!;
  C.close(report.readEnd);
  if (forkProblem !== undefined) return fail(forkProblem);
  if (told <= 0) return succeed(pid);
  C.waitpid(pid, create(intPair), 0);
  return fail(`${argv[0]}: cannot be started: ${describeError(cause[0])}`);
}

/** sys/wait.h: WEXITSTATUS, or 128 + WTERMSIG as shells show it. */
function exitStatus(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}

/** The status of a child that ended, or undefined while it runs. */
export function endOf(pid: number): number | undefined {
  const status = create(intPair);
  return C.waitpid(pid, status, WNOHANG) === pid ? exitStatus(status[0]) : undefined;
}

function endBefore(pid: number, deadlineMs: number): number | undefined {
  let status = endOf(pid);
  while (status === undefined && monotonicMs() < deadlineMs) {
    C.poll(undefined, 0, END_POLL_MS);
    status = endOf(pid);
  }
  return status;
}

export interface RunOptions {
  /** What the program reads from its standard input. */
  readonly input?: string;
  /** After this it is killed. */
  readonly timeoutMs: number;
  /** Most bytes kept of its output and of its error output, each; the rest is read and dropped. */
  readonly outputBytesMax: number;
}

export interface RunResult {
  /** The exit status; 128 + the signal's number when one ended it. */
  readonly status: number;
  readonly output: string;
  readonly errorOutput: string;
}

/** One stream read from a child, as much as may be kept. */
export class Collector {
  text = "";
  isOpen = true;

  constructor(
    readonly fd: number,
    private readonly bytesMax: number,
  ) {}

  read(): void {
    const count = tonumber(C.read(this.fd, readBuffer, READ_BYTES))!;
    if (count > 0) {
      const room = math.max(0, this.bytesMax - string.len(this.text));
      this.text += stringOf(readBuffer, math.min(count, room));
    } else if (count === 0 || lastErrorNumber() !== errno.EAGAIN) {
      this.isOpen = false;
    }
  }
}

/** A running child and our ends of its streams. */
class Exchange {
  private readonly entries = create(pollEntries);
  private rest: string;
  private inputFd: number;

  constructor(
    inputFd: number,
    input: string,
    readonly output: Collector,
    readonly errorOutput: Collector,
  ) {
    this.inputFd = inputFd;
    this.rest = input;
    for (const fd of [inputFd, output.fd, errorOutput.fd]) C.fcntl(fd, F_SETFL, abi.O_NONBLOCK);
    this.writeInput();
  }

  /** Moves what can be moved, waiting at most `timeoutMs` for something. A negative descriptor is not looked at. */
  step(timeoutMs: number): void {
    const [input, output, errorOutput] = [this.entries[0], this.entries[1], this.entries[2]];
    input.fd = this.inputFd;
    input.events = WRITABLE;
    output.fd = this.output.isOpen ? this.output.fd : -1;
    output.events = READABLE;
    errorOutput.fd = this.errorOutput.isOpen ? this.errorOutput.fd : -1;
    errorOutput.events = READABLE;
    if (C.poll(this.entries, 3, timeoutMs) <= 0) return;
    const happened = READABLE | WRITABLE | FAILED | HUNG_UP;
    if ((input.revents & happened) !== 0) this.writeInput();
    if ((output.revents & happened) !== 0) this.output.read();
    if ((errorOutput.revents & happened) !== 0) this.errorOutput.read();
  }

  /** Reads what a child that ended left in its pipes: a pipe holds a bounded amount. */
  drain(): void {
    let before = -1;
    let now = 0;
    while (now !== before && (this.output.isOpen || this.errorOutput.isOpen)) {
      before = now;
      this.step(0);
      now = string.len(this.output.text) + string.len(this.errorOutput.text);
    }
  }

  close(): void {
    if (this.inputFd >= 0) C.close(this.inputFd);
    this.inputFd = -1;
    C.close(this.output.fd);
    C.close(this.errorOutput.fd);
  }

  private writeInput(): void {
    const written = tonumber(C.write(this.inputFd, this.rest, string.len(this.rest)))!;
    if (written >= 0) this.rest = string.sub(this.rest, written + 1);
    const isGone = written < 0 && lastErrorNumber() !== errno.EAGAIN;
    if (isGone || this.rest === "") {
      C.close(this.inputFd);
      this.inputFd = -1;
    }
  }
}

function finish(pid: number, name: string, exchange: Exchange, timeoutMs: number): Outcome<RunResult> {
  const deadlineMs = monotonicMs() + timeoutMs;
  let status = endOf(pid);
  while (status === undefined && monotonicMs() < deadlineMs) {
    exchange.step(END_POLL_MS);
    status = endOf(pid);
  }
  if (status === undefined) {
    C.kill(pid, SIGKILL);
    C.waitpid(pid, create(intPair), 0);
    return fail(`${name}: killed, not done after ${timeoutMs} ms`);
  }
  exchange.drain();
  return succeed({ status, output: exchange.output.text, errorOutput: exchange.errorOutput.text });
}

/** Runs a program (found through PATH), waits for its end and gives its status and output, whatever the status. */
export function runProgram(argv: readonly string[], options: RunOptions): Outcome<RunResult> {
  const [input, inputProblem] = makePipe();
  if (input === undefined) return fail(inputProblem);
  const [output, outputProblem] = makePipe();
  if (output === undefined) {
    closeBoth(input);
    return fail(outputProblem);
  }
  const [errorOutput, errorProblem] = makePipe();
  if (errorOutput === undefined) {
    closeBoth(input);
    closeBoth(output);
    return fail(errorProblem);
  }
  const streams = { input: input.readEnd, output: output.writeEnd, errorOutput: errorOutput.writeEnd };
  const [pid, problem] = start(argv, streams);
  C.close(input.readEnd);
  C.close(output.writeEnd);
  C.close(errorOutput.writeEnd);
  const exchange = new Exchange(
    input.writeEnd,
    options.input ?? "",
    new Collector(output.readEnd, options.outputBytesMax),
    new Collector(errorOutput.readEnd, options.outputBytesMax),
  );
  if (pid === undefined) {
    exchange.close();
    return fail(problem);
  }
  const [result, runProblem] = finish(pid, argv[0], exchange, options.timeoutMs);
  exchange.close();
  return outcomeOf(result, runProblem);
}

function closeBoth(pipe: Pipe): void {
  C.close(pipe.readEnd);
  C.close(pipe.writeEnd);
}

/**
 * A program that outlives us by a moment: the kernel closes its standard input when this process ends, in any way,
 * SIGKILL included. It waits for that end of file and cleans up. It is in a session of its own, so that Ctrl-C does
 * not end it first.
 */
export class Guard {
  private constructor(
    private readonly name: string,
    private readonly pid: number,
    private fd: number,
  ) {}

  /** Starts the program; its output goes where ours goes. */
  static start(this: void, argv: readonly string[]): Outcome<Guard> {
    const [input, pipeProblem] = makePipe();
    if (input === undefined) return fail(pipeProblem);
    const [pid, problem] = start(argv, { input: input.readEnd, output: undefined, errorOutput: undefined });
    C.close(input.readEnd);
    if (pid === undefined) {
      C.close(input.writeEnd);
      return fail(problem);
    }
    C.fcntl(input.writeEnd, F_SETFL, abi.O_NONBLOCK);
    return succeed(new Guard(argv[0], pid, input.writeEnd));
  }

  /** Writes to its standard input, for instance what it would have to clean up. */
  tell(text: string): Outcome<true> {
    if (this.fd < 0) return fail(`${this.name}: closed`);
    const lengthBytes = string.len(text);
    const written = tonumber(C.write(this.fd, text, lengthBytes))!;
    if (written < 0) return fail(lastError(`${this.name}: cannot be told`));
    if (written < lengthBytes) return fail(`${this.name}: took ${written} of ${lengthBytes} bytes`);
    return succeed(true as const);
  }

  /** Ends its input and waits for its end, at most `timeoutMs`; gives its exit status. */
  close(timeoutMs: number): Outcome<number> {
    if (this.fd < 0) return fail(`${this.name}: closed`);
    C.close(this.fd);
    this.fd = -1;
    const status = endBefore(this.pid, monotonicMs() + timeoutMs);
    if (status === undefined) return fail(`${this.name}: still running after ${timeoutMs} ms`);
    return succeed(status);
  }
}
