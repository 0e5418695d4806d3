// SPDX-License-Identifier: GPL-2.0-only
// Error numbers of the kernel: the names the layer acts on, and texts for people.

import { abi } from "./abi/constants";
import { declareC, lastErrorNumber, stringOf } from "./ffi";

/** @noSelf */
interface StringLibrary {
  strerror(errorNumber: number): unknown;
}

const C = declareC<StringLibrary>("char *strerror(int error_number);");

/** errno.h: these are equal on every architecture; the others come from the table of the architecture. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  EEXIST: 17,
  ENOBUFS: abi.ENOBUFS,
} as const;

/** The C library's text for an error number, for instance "No such file or directory". */
export function describeError(errorNumber: number): string {
  return stringOf(C.strerror(errorNumber));
}

/** "`what`: text of the last C call's error". Call it right after the call that failed. */
export function lastError(what: string): string {
  return `${what}: ${describeError(lastErrorNumber())}`;
}
