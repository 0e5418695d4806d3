// SPDX-License-Identifier: GPL-2.0-only
// How far a transfer is, on one line of 80 columns of a terminal; in a log, nothing.

import cliProgress from "cli-progress";

/** The bar's own width: with figures and the longest unit it leaves the line within 80 columns. */
const BAR_COLUMNS = 30;
/** Lines of a transfer that a console of 115200 baud can still show. */
const DRAWS_PER_SECOND = 5;
const MEGABYTE = 1e6;

export interface Progress {
  /** @param bytes that have gone by so far */
  readonly show: (bytes: number) => void;
  readonly end: () => void;
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}

/** Starts a bar on standard error. */
export function startProgress(totalBytes: number, output: NodeJS.WriteStream = process.stderr): Progress {
  if (!output.isTTY) return { show: () => undefined, end: () => undefined };
  const bar = new cliProgress.SingleBar({
    stream: output,
    barsize: BAR_COLUMNS,
    fps: DRAWS_PER_SECOND,
    clearOnComplete: true,
    hideCursor: true,
    format: `    [{bar}] {percentage} %  {done} of ${megabytes(totalBytes)} MB  {duration_formatted}`,
    barCompleteChar: "#",
    barIncompleteChar: ".",
  });
  bar.start(totalBytes, 0, { done: megabytes(0) });
  return {
    show: (bytes) => {
      bar.update(bytes, { done: megabytes(bytes) });
    },
    end: () => {
      bar.stop();
    },
  };
}
