// SPDX-License-Identifier: GPL-2.0-only
// Whether a person reads our output, and on how large a screen: a terminal shows colours, a pipe wants plain text.

import { abi } from "./abi/constants";
import { create, declareC, type Ptr, typeOf } from "./ffi";

/** @noSelf */
interface TerminalLibrary {
  isatty(fd: number): number;
  ioctl(fd: number, request: number, size: Ptr<number>): number;
}

const C = declareC<TerminalLibrary>(`
  int isatty(int fd);
  int ioctl(int fd, unsigned long request, void *size);
`);

const STDOUT = 1;

/** Whether standard output is a terminal. */
export function isOutputTerminal(): boolean {
  return C.isatty(STDOUT) === 1;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** What a serial console is taken for, which tells no size. */
const USUAL_SIZE: TerminalSize = { rows: 24, columns: 80 };
/** Smaller ones cannot show a table. */
const LEAST_SIZE: TerminalSize = { rows: 10, columns: 40 };

/** The size of the terminal at standard output. */
export function terminalSize(): TerminalSize {
  const size = create(typeOf<Ptr<number>>("uint16_t[4]"));
  if (C.ioctl(STDOUT, abi.TIOCGWINSZ, size) !== 0 || size[0] === 0 || size[1] === 0) return USUAL_SIZE;
  return { rows: Math.max(LEAST_SIZE.rows, size[0]), columns: Math.max(LEAST_SIZE.columns, size[1]) };
}
