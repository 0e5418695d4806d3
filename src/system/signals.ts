// SPDX-License-Identifier: GPL-2.0-only
// Signals as events: blocked, and read from a descriptor, so that nothing is interrupted half-way (signalfd(2)).

import { abi } from "./abi/constants";
import { lastError } from "./errno";
import { type EventLoop, READABLE } from "./event-loop";
import { byteArray, type BytePtr, cast, create, declareC, type Ptr, typeOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

export type SignalName = "TERM" | "INT" | "HUP" | "USR1" | "WINCH";

const SIGNAL_NUMBERS: Record<SignalName, number> = {
  HUP: 1,
  INT: 2,
  TERM: 15,
  USR1: abi.SIGUSR1,
  WINCH: abi.SIGWINCH,
};

/** @noSelf */
interface SignalLibrary {
  sigemptyset(set: BytePtr): number;
  sigaddset(set: BytePtr, signal: number): number;
  sigprocmask(how: number, set: BytePtr, before: BytePtr | undefined): number;
  signalfd(fd: number, set: BytePtr, flags: number): number;
  read(fd: number, buffer: BytePtr, lengthBytes: number): number;
  close(fd: number): number;
}

const C = declareC<SignalLibrary>(`
  int sigemptyset(void *set);
  int sigaddset(void *set, int signal);
  int sigprocmask(int how, const void *set, void *before);
  int signalfd(int fd, const void *set, int flags);
  ssize_t read(int fd, void *buffer, size_t length);
  int close(int fd);
`);

/** The C libraries' sigset_t: 128 bytes with both, whatever the kernel uses of them. */
const SIGNAL_SET_BYTES = 128;
/** struct signalfd_siginfo: 128 bytes, the signal's number in the first four. */
const SIGNAL_RECORD_BYTES = 128;

const uint32Pointer = typeOf<Ptr<number>>("const uint32_t *");

function setOf(names: readonly SignalName[]): BytePtr {
  const set = create(byteArray, SIGNAL_SET_BYTES);
  C.sigemptyset(set);
  for (const name of names) C.sigaddset(set, SIGNAL_NUMBERS[name]);
  return set;
}

function nameOf(number: number): SignalName | undefined {
  for (const [name, value] of pairs(SIGNAL_NUMBERS)) {
    if (value === number) return name;
  }
  return undefined;
}

/** Lets through every signal that a parent, or {@link Signals}, blocked: for a child before it becomes another program. */
export function unblockSignals(): void {
  const none = create(byteArray, SIGNAL_SET_BYTES);
  C.sigemptyset(none);
  C.sigprocmask(abi.SIG_SETMASK, none, undefined);
}

export class Signals {
  private readonly record = create(byteArray, SIGNAL_RECORD_BYTES);

  private constructor(
    private readonly loop: EventLoop,
    private readonly set: BytePtr,
    private fd: number,
  ) {}

  /** From now on these signals reach `handler` through the loop and no longer end the process. */
  static watch(
    this: void,
    loop: EventLoop,
    names: readonly SignalName[],
    handler: (this: void, name: SignalName) => void,
  ): Outcome<Signals> {
    const set = setOf(names);
    if (C.sigprocmask(abi.SIG_BLOCK, set, undefined) !== 0) return fail(lastError("signals cannot be blocked"));
    const fd = C.signalfd(-1, set, abi.O_NONBLOCK + abi.O_CLOEXEC);
    if (fd < 0) {
      const problem = lastError("signalfd");
      C.sigprocmask(abi.SIG_UNBLOCK, set, undefined);
      return fail(problem);
    }
    const signals = new Signals(loop, set, fd);
    loop.watch(fd, READABLE, () => {
      const name = signals.take();
      if (name !== undefined) handler(name);
    });
    return succeed(signals);
  }

  /** Gives the signals their usual effect back. */
  close(): void {
    if (this.fd < 0) return;
    this.loop.unwatch(this.fd);
    C.close(this.fd);
    this.fd = -1;
    C.sigprocmask(abi.SIG_UNBLOCK, this.set, undefined);
  }

  private take(): SignalName | undefined {
    if (tonumber(C.read(this.fd, this.record, SIGNAL_RECORD_BYTES)) !== SIGNAL_RECORD_BYTES) return undefined;
    return nameOf(cast(uint32Pointer, this.record)[0]);
  }
}
