// SPDX-License-Identifier: GPL-2.0-only
// When a tunnel that was answered has been silent for so long that it is pinged.
//
// An idle tunnel may be silent for a while and harms nobody. Where packets go out and none comes back, silence is a
// sign, though a weak one: what is sent may need no answer (syslog, a one-way stream). So it is only pinged sooner, and
// where the ping shows again and again that nothing was wrong, later.

import type { EpochParameters } from "./parameters";

/** Traffic that is answered at all is answered within this many timeouts of a ping. */
const TIMEOUTS = 3;

export class Silence {
  /** Packets went out after the last that came in. */
  private isUnanswered = false;
  /** Each ping in a row that was due to traffic alone, and was answered, doubles the wait for the next. */
  private vainPings = 0;

  constructor(private readonly parameters: EpochParameters) {}

  /** Packets went out for a while in which none came in. */
  sent(): void {
    this.isUnanswered = true;
  }

  /** A packet came in. @param isAnswer to a ping that {@link dueMs} had called for */
  heard(isAnswer: boolean): void {
    const wasVain = isAnswer && this.isUnanswered;
    this.vainPings = wasVain ? this.vainPings + 1 : 0;
    this.isUnanswered = false;
  }

  /**
   * When to ping, if nothing comes in until then.
   * @param timeoutMs how long the answer to a ping is waited for
   */
  dueMs(lastInMs: number, timeoutMs: number): number {
    const { maxIdleMs, trafficIdleMs } = this.parameters;
    if (!this.isUnanswered) return lastInMs + maxIdleMs;
    const patientMs = Math.max(trafficIdleMs, TIMEOUTS * timeoutMs) * 2 ** this.vainPings;
    return lastInMs + Math.min(maxIdleMs, patientMs);
  }
}
