// SPDX-License-Identifier: GPL-2.0-only
// At most so many events in each second: for work that a stranger's packets could make us do.

const SECOND_MS = 1000;

export class RateLimit {
  private inSecond = 0;
  private secondStartMs = 0;

  constructor(private readonly perSecondMax: number) {}

  /** Counts an event; false when this second has had its share. */
  admit(nowMs: number): boolean {
    if (nowMs - this.secondStartMs >= SECOND_MS) {
      this.secondStartMs = nowMs;
      this.inSecond = 0;
    }
    this.inSecond += 1;
    return this.inSecond <= this.perSecondMax;
  }
}
