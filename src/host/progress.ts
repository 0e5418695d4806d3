// SPDX-License-Identifier: GPL-2.0-only
// How far a transfer is, on one line of 80 columns of a terminal; in a log, nothing.

import cliProgress from "cli-progress";

/** The bar's own width: with figures and the longest unit it leaves the line within 80 columns. */
const BAR_COLUMNS = 30;
/** Lines of a transfer that a console of 115200 baud can still show. */
const DRAWS_PER_SECOND = 5;

/** What is counted, and how a count is shown. */
export interface ProgressUnit {
  readonly name: string;
  /** How many of what is counted are one of the unit. */
  readonly size: number;
  readonly decimals: number;
}

export const MEGABYTES: ProgressUnit = { name: "MB", size: 1e6, decimals: 1 };
export const LINES: ProgressUnit = { name: "lines", size: 1, decimals: 0 };

export interface Progress {
  /** @param done so far, as it is counted: bytes, not megabytes */
  readonly show: (done: number) => void;
  readonly end: () => void;
}

/** Starts a bar on standard error. @param total as it is counted */
export function startProgress(
  total: number,
  unit: ProgressUnit,
  output: NodeJS.WriteStream = process.stderr,
): Progress {
  if (!output.isTTY) return { show: () => undefined, end: () => undefined };
  const text = (count: number): string => (count / unit.size).toFixed(unit.decimals);
  const bar = new cliProgress.SingleBar({
    stream: output,
    barsize: BAR_COLUMNS,
    fps: DRAWS_PER_SECOND,
    clearOnComplete: true,
    hideCursor: true,
    format: `    [{bar}] {percentage} %  {done} of ${text(total)} ${unit.name}  {duration_formatted}`,
    barCompleteChar: "#",
    barIncompleteChar: ".",
  });
  bar.start(total, 0, { done: text(0) });
  return {
    show: (done) => {
      bar.update(done, { done: text(done) });
    },
    end: () => {
      bar.stop();
    },
  };
}
