// SPDX-License-Identifier: GPL-2.0-only
// The file that a fuzzing process shares with us (progress-file.ts writes it): how many inputs it was given, and the
// one under execution, which is still there when the process is not.

import fs from "node:fs";

const LENGTH_AT = 8;
const INPUT_AT = 16;
/** As INPUT_BYTES_MAX of input.ts. */
const INPUT_BYTES_MAX = 4096;

export interface Progress {
  readonly executions: number;
  readonly input: Buffer;
}

export function createProgressFile(file: string): void {
  fs.writeFileSync(file, Buffer.alloc(INPUT_AT + INPUT_BYTES_MAX));
}

export function readProgress(file: string): Progress {
  const bytes = fs.readFileSync(file);
  const end = INPUT_AT + bytes.readInt32LE(LENGTH_AT);
  return { executions: bytes.readDoubleLE(0), input: bytes.subarray(INPUT_AT, end) };
}
