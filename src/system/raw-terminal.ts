// SPDX-License-Identifier: GPL-2.0-only
// A terminal that gives every key at once and shows none by itself, and the way it was before.
//
// struct termios is the C library's business: it is saved, made raw and restored without a look inside, so nothing here
// differs between architectures.

import { lastError } from "./errno";
import { byteArray, type BytePtr, create, declareC, stringOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** @noSelf */
interface TermiosLibrary {
  tcgetattr(fd: number, settings: BytePtr): number;
  tcsetattr(fd: number, when: number, settings: BytePtr): number;
  cfmakeraw(settings: BytePtr): void;
  read(fd: number, buffer: BytePtr, lengthBytes: number): number;
  write(fd: number, text: string, lengthBytes: number): number;
}

const C = declareC<TermiosLibrary>(`
  int tcgetattr(int fd, void *settings);
  int tcsetattr(int fd, int when, const void *settings);
  void cfmakeraw(void *settings);
  ssize_t read(int fd, void *buffer, size_t length);
  ssize_t write(int fd, const void *buffer, size_t length);
`);

const STDIN = 0;
const STDOUT = 1;
/** termios.h: after what was written has left; equal everywhere. */
const TCSADRAIN = 1;
/** The libraries' struct termios has 60 bytes at most. */
const TERMIOS_BYTES = 256;
const READ_BYTES = 256;

export class RawTerminal {
  readonly fd = STDIN;
  private readonly buffer = create(byteArray, READ_BYTES);

  private constructor(private readonly before: BytePtr) {}

  /** Makes the terminal at standard input raw; an error when there is none. */
  static open(this: void): Outcome<RawTerminal> {
    const before = create(byteArray, TERMIOS_BYTES);
    const raw = create(byteArray, TERMIOS_BYTES);
    if (C.tcgetattr(STDIN, before) !== 0 || C.tcgetattr(STDIN, raw) !== 0) return fail("standard input is no terminal");
    C.cfmakeraw(raw);
    if (C.tcsetattr(STDIN, TCSADRAIN, raw) !== 0) return fail(lastError("the terminal cannot be made raw"));
    return succeed(new RawTerminal(before));
  }

  /** What was typed; undefined: the terminal is gone. Waits when nothing was. */
  read(): string | undefined {
    const count = tonumber(C.read(STDIN, this.buffer, READ_BYTES))!;
    return count > 0 ? stringOf(this.buffer, count) : undefined;
  }

  /** Sends all of the text; false: the terminal is gone. */
  write(text: string): boolean {
    let rest = text;
    while (rest !== "") {
      const sent = tonumber(C.write(STDOUT, rest, string.len(rest)))!;
      if (sent <= 0) return false;
      rest = string.sub(rest, sent + 1);
    }
    return true;
  }

  /** As it was. */
  close(): void {
    C.tcsetattr(STDIN, TCSADRAIN, this.before);
  }
}
