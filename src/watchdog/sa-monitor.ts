// SPDX-License-Identifier: GPL-2.0-only
// The epochs of this host's tunnels as the kernel has them, whatever IKE daemon makes them.
//
// Events tell of SAs that come and go; that packets come in on one is seen in its counter only, so counters are asked
// for: often for epochs whose answer is awaited, seldom for all. The seldom look is a whole list, which repairs
// whatever events failed to tell.

import { fail, type Outcome, succeed } from "../system/outcome";
import type { Xfrm } from "../system/xfrm";
import { eventGroup } from "../system/xfrm";
import type { XfrmEvent } from "../system/xfrm-message";
import { EpochPairing, type SaReport } from "./epoch-pairing";

/** What the monitor has to be told of: see `XfrmSocket.follow`. */
export const SA_MONITOR_EVENTS = eventGroup.sa + eventGroup.expire;

export interface SaMonitorOptions {
  /** Tells this host's own addresses (words). */
  readonly isLocal: (this: void, address: number) => boolean;
  readonly onReport: (this: void, report: SaReport) => void;
  /** Between two looks at the counters of epochs whose answer is awaited. */
  readonly awaitedIntervalMs: number;
  /** Between two looks at all SAs. */
  readonly allIntervalMs: number;
  /** Milliseconds since 1970, which the kernel's times are in. */
  readonly wallClockMs: (this: void) => number;
}

export class SaMonitor {
  private readonly pairing: EpochPairing;
  private awaited = new LuaSet<number>();
  private allDueMs = 0;
  private awaitedDueMs = 0;
  /** Why the last look at all SAs failed; undefined when it did not. */
  problem: string | undefined;

  constructor(
    private readonly xfrm: Xfrm,
    private readonly options: SaMonitorOptions,
  ) {
    this.pairing = new EpochPairing(options.isLocal);
  }

  /** Reports what is there already, oldest first. To be called when events are followed, so that none falls between. */
  start(nowMs: number): Outcome<true> {
    return this.lookAtAll(nowMs);
  }

  /** The incoming SPIs (words) on which an answer is awaited; those named before are not any more. */
  awaitOn(inSpis: readonly number[]): void {
    this.awaited = new LuaSet<number>();
    for (const spi of inSpis) this.awaited.add(spi);
  }

  /** An event of {@link SA_MONITOR_EVENTS}; others do no harm. */
  handle(event: XfrmEvent, nowMs: number): void {
    if (event.kind === "sa") this.report(this.pairing.seen(event.sa, nowMs));
    else if (event.kind === "sa gone") this.report(this.pairing.gone(event.id));
    // At the next tick: a flood of lost events costs one look, not many.
    else if (event.kind === "sas flushed" || event.kind === "resynchronise") this.allDueMs = nowMs;
  }

  /** Looks at the counters that are due. To be called at least every `awaitedIntervalMs` while answers are awaited. */
  tick(nowMs: number): void {
    if (nowMs >= this.allDueMs) this.lookAtAll(nowMs);
    else if (nowMs >= this.awaitedDueMs) this.lookAtAwaited(nowMs);
  }

  private lookAtAll(nowMs: number): Outcome<true> {
    this.allDueMs = nowMs + this.options.allIntervalMs;
    this.awaitedDueMs = nowMs + this.options.awaitedIntervalMs;
    const [sas, problem] = this.xfrm.sas();
    this.problem = problem;
    if (sas === undefined) return fail(problem);
    this.report(this.pairing.synchronise(sas, this.options.wallClockMs() / 1000));
    return succeed(true as const);
  }

  private lookAtAwaited(nowMs: number): void {
    this.awaitedDueMs = nowMs + this.options.awaitedIntervalMs;
    for (const id of this.pairing.incoming(this.awaited)) {
      const [sa] = this.xfrm.sa(id);
      if (sa === "absent") this.report(this.pairing.gone(id));
      else if (sa !== undefined) this.report(this.pairing.seen(sa, nowMs));
    }
  }

  private report(reports: readonly SaReport[]): void {
    for (const report of reports) this.options.onReport(report);
  }
}
