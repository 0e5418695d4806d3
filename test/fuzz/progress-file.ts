// SPDX-License-Identifier: GPL-2.0-only
// The input under execution and how many there were, in memory shared with a file: what is left of a process that
// crashed or hangs. The front end on Node reads it (host/progress.ts has the same layout).
//
//     byte 0  executions so far (double)    byte 8  length of the input (int32)    byte 16…  the input

import { type BytePtr, cast, copyBytes, declareC, type Ptr, typeOf } from "../../src/system/ffi";
import { MAP_SHARED, mapMemory, PROT_READ_WRITE } from "../../src/system/memory-map";
import { INPUT_BYTES_MAX } from "./input";

/** @noSelf */
interface FileLibrary {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
}

const C = declareC<FileLibrary>(`
  int open(const char *path, int flags, unsigned mode);
  int close(int fd);
`);

/** fcntl.h */
const O_RDWR = 2;
const LENGTH_AT = 8;
const INPUT_AT = 16;

const doublePointer = typeOf<Ptr<number>>("double*");
const intPointer = typeOf<Ptr<number>>("int32_t*");

export class ProgressFile {
  private readonly executions: Ptr<number>;
  private readonly lengthBytes: Ptr<number>;
  private readonly input: BytePtr;

  /** @param path of a file that is long enough */
  constructor(path: string) {
    const fd = C.open(path, O_RDWR, 0);
    if (fd < 0) error(`${path}: cannot be opened for writing`, 0);
    const [memory, problem] = mapMemory(fd, INPUT_AT + INPUT_BYTES_MAX, PROT_READ_WRITE, MAP_SHARED);
    C.close(fd);
    const start = memory ?? error(`${path}: ${problem}`, 0);
    this.executions = cast(doublePointer, start);
    this.lengthBytes = cast(intPointer, start.plus(LENGTH_AT));
    this.input = start.plus(INPUT_AT);
  }

  /** Notes what is executed next. */
  next(input: BytePtr, lengthBytes: number): void {
    this.lengthBytes[0] = lengthBytes;
    copyBytes(this.input, input, lengthBytes);
    this.executions[0] += 1;
  }

  count(): number {
    return this.executions[0];
  }
}
