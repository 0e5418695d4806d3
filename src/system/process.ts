// SPDX-License-Identifier: GPL-2.0-only
// What this process is: its number, its rights, and the memory it holds.

import { declareC } from "./ffi";
import { readFile } from "./files";

/** @noSelf */
interface ProcessLibrary {
  getpid(): number;
  geteuid(): number;
}

const C = declareC<ProcessLibrary>("int getpid(void); unsigned geteuid(void);");

/** proc(5): the file is about 1.5 kB; a later kernel may add lines. */
const STATUS_BYTES_MAX = 16384;

/** This process' number. */
export function processId(): number {
  return C.getpid();
}

/** The user whose rights count: 0 is root. */
export function effectiveUserId(): number {
  return C.geteuid();
}

/** Memory held in RAM (VmRSS) in bytes; `undefined` when /proc does not say. */
export function residentBytes(): number | undefined {
  const [text] = readFile("/proc/self/status", STATUS_BYTES_MAX);
  if (text === undefined) return undefined;
  const [kilobytes] = string.match(text, "VmRSS:%s*(%d+) kB");
  return kilobytes === undefined ? undefined : tonumber(kilobytes)! * 1024;
}
