// SPDX-License-Identifier: GPL-2.0-only
// How far a transfer is: on a terminal one line of 80 columns that changes, in a log a line now and then.

import cliProgress from "cli-progress";

/** The bar's own width: with figures, rate and the longest unit it leaves the line within 80 columns. */
const BAR_COLUMNS = 16;
/** Lines of a transfer that a console of 115200 baud can still show. */
const DRAWS_PER_SECOND = 5;
/** Between two lines of a log. What takes less needs none. */
const LOG_INTERVAL_MS = 5000;
const SECONDS_IN_MINUTE = 60;

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

/** Where progress is shown. */
export interface ProgressOutput {
  readonly stream: NodeJS.WriteStream;
  readonly nowMs: () => number;
}

const STANDARD: ProgressOutput = { stream: process.stderr, nowMs: () => performance.now() };

function minutes(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / SECONDS_IN_MINUTE)}:${String(whole % SECONDS_IN_MINUTE).padStart(2, "0")}`;
}

/** "8.3 of 19.9 MB, 1.2 MB/s, 0:10 left": the rate is that of the whole transfer until now. */
export function progressText(done: number, total: number, { name, size, decimals }: ProgressUnit, ms: number): string {
  const text = (count: number): string => (count / size).toFixed(decimals);
  const amount = `${text(done)} of ${text(total)} ${name}`;
  const perSecond = done / (ms / 1000);
  if (!(perSecond > 0) || !Number.isFinite(perSecond)) return amount;
  return `${amount}, ${text(perSecond)} ${name}/s, ${minutes((total - done) / perSecond)} left`;
}

/** For a log: a line where something was done since the last one, and the time has come. */
function startLog(stream: NodeJS.WriteStream, nowMs: () => number, text: (done: number) => string): Progress {
  let nextMs = nowMs() + LOG_INTERVAL_MS;
  const show = (done: number): void => {
    if (nowMs() < nextMs) return;
    nextMs = nowMs() + LOG_INTERVAL_MS;
    stream.write(`    ${text(done)}\n`);
  };
  return { show, end: () => undefined };
}

/** Starts a bar, by default on standard error. @param total as it is counted */
export function startProgress(total: number, unit: ProgressUnit, { stream, nowMs } = STANDARD): Progress {
  const startMs = nowMs();
  const text = (done: number): string => progressText(done, total, unit, nowMs() - startMs);
  if (!stream.isTTY) return startLog(stream, nowMs, text);
  const bar = new cliProgress.SingleBar({
    stream,
    barsize: BAR_COLUMNS,
    fps: DRAWS_PER_SECOND,
    clearOnComplete: true,
    hideCursor: true,
    format: "    [{bar}] {percentage} %  {text}",
    barCompleteChar: "#",
    barIncompleteChar: ".",
  });
  bar.start(total, 0, { text: text(0) });
  return {
    show: (done) => {
      bar.update(done, { text: text(done) });
    },
    end: () => {
      bar.stop();
    },
  };
}
