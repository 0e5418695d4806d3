// SPDX-License-Identifier: GPL-2.0-only
// Whether a person reads our output: a terminal shows colours, a pipe wants plain text.

import { declareC } from "./ffi";

/** @noSelf */
interface TerminalLibrary {
  isatty(fd: number): number;
}

const C = declareC<TerminalLibrary>("int isatty(int fd);");

const STDOUT = 1;

/** Whether standard output is a terminal. */
export function isOutputTerminal(): boolean {
  return C.isatty(STDOUT) === 1;
}
