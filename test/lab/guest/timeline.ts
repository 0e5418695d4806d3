// SPDX-License-Identifier: GPL-2.0-only
// What happened in one run of an experiment, in order, with the seconds since it began: for people to read beside the
// same experiment's other runs.

import { nowMs } from "./clock";
import type { Findings } from "./scenario";

interface Entry {
  readonly atMs: number;
  readonly text: string;
}

export class TimeLine {
  private readonly startMs = nowMs();
  private readonly entries: Entry[] = [];

  /** @param title what distinguishes this run from the experiment's others */
  constructor(
    private readonly findings: Findings,
    private readonly title: string,
  ) {}

  /** Something happens now. @returns when, by the guest's clock */
  mark(text: string): number {
    const atMs = nowMs();
    this.at(atMs, text);
    this.findings.progress(`${this.title}: ${text}`);
    return atMs;
  }

  /** Something is known to have happened then; what was before this run is left out. */
  at(atMs: number, text: string): void {
    if (this.isSince(atMs)) this.entries.push({ atMs, text });
  }

  /** Whether a moment belongs to this run. */
  isSince(atMs: number): boolean {
    return atMs >= this.startMs;
  }

  /** Hands the whole to the findings. */
  close(): void {
    this.entries.sort((one, other) => one.atMs - other.atMs);
    const lines = this.entries.map(({ atMs, text }) =>
      string.format("%7.2f s  %s", (atMs - this.startMs) / 1000, text),
    );
    this.findings.timeLine(`${this.title}\n${lines.join("\n")}`);
  }
}
