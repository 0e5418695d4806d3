// SPDX-License-Identifier: GPL-2.0-only
// Lines to a console, which may be stopped (XOFF), slow or gone: writing never waits, and a line that finds no room is
// left out. What cannot be written to is opened anew for the next line.

import { abi } from "./abi/constants";
import { errno, lastError } from "./errno";
import { declareC, lastErrorNumber } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** @noSelf */
interface ConsoleLibrary {
  open(path: string, flags: number, mode: number): number;
  write(fd: number, text: string, lengthBytes: number): number;
  close(fd: number): number;
}

const C = declareC<ConsoleLibrary>(`
  int open(const char *path, int flags, unsigned mode);
  ssize_t write(int fd, const void *buffer, size_t length);
  int close(int fd);
`);

/** fcntl.h */
const O_WRONLY = 1;

export class ConsoleOutput {
  /** Lines that found no room. */
  leftOut = 0;
  private fd = -1;

  constructor(private readonly path: string) {}

  /** Writes one line, from the start of a line even where a prompt stands. */
  line(text: string): Outcome<true> {
    if (this.fd < 0) this.fd = C.open(this.path, O_WRONLY | abi.O_NONBLOCK | abi.O_NOCTTY | abi.O_CLOEXEC, 0);
    if (this.fd < 0) return fail(lastError(`${this.path}: cannot be opened`));
    // One write: the kernel's own messages then come before or behind it wherever the driver has room for all.
    const framed = `\n${text}\n`;
    const written = tonumber(C.write(this.fd, framed, string.len(framed)))!;
    if (written === string.len(framed)) return succeed(true as const);
    this.leftOut += 1;
    if (written >= 0 || lastErrorNumber() === errno.EAGAIN) return succeed(true as const);
    const problem = lastError(`${this.path}: cannot be written`);
    this.close();
    return fail(problem);
  }

  close(): void {
    if (this.fd >= 0) C.close(this.fd);
    this.fd = -1;
  }
}
