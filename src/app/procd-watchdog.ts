// SPDX-License-Identifier: GPL-2.0-only
// Tells procd, OpenWrt's service manager, that the event loop still turns; when it does not, procd restarts the service.
//
// procd's watchdog is re-armed by a call on ubus. LuaJIT has no binding for ubus that every board has, so its command
// line tool is run: a few milliseconds of a child's time, and nothing waits for it.

import { ChildJob } from "../system/child-job";
import type { EventLoop } from "../system/event-loop";
import type { Log } from "../system/log";
import { writeJson } from "./json";

/**
 * How often; the init script has procd wait for three of them (/etc/init.d/vpnmasq). A loop that stands still for a
 * minute is broken: no step of it takes longer than nftables' 10 s.
 */
const INTERVAL_MS = 20_000;
const CALL_TIMEOUT_MS = 10_000;
/** Of what ubus says when something is wrong. */
const OUTPUT_BYTES_MAX = 256;

export class ProcdWatchdog {
  private job: ChildJob | undefined;
  private dueMs = 0;

  private constructor(
    private readonly loop: EventLoop,
    private readonly log: Log,
    private readonly request: string,
  ) {}

  /** @param instance SERVICE/INSTANCE as procd knows this process; undefined: nobody wants to hear */
  static of(this: void, instance: string | undefined, loop: EventLoop, log: Log): ProcdWatchdog | undefined {
    if (instance === undefined) return undefined;
    const [service, name] = string.match(instance, "^(.-)/(.*)$");
    return new ProcdWatchdog(loop, log, writeJson({ name: service, instance: name }));
  }

  tick(nowMs: number): void {
    this.job?.tick(nowMs);
    if (nowMs < this.dueMs || this.job?.isRunning() === true) return;
    this.dueMs = nowMs + INTERVAL_MS;
    const command = ["ubus", "call", "service", "watchdog", this.request];
    const limits = { timeoutMs: CALL_TIMEOUT_MS, outputBytesMax: OUTPUT_BYTES_MAX };
    const [job, problem] = ChildJob.start(this.loop, command, limits, nowMs, (result, failure) => {
      if (result?.status !== 0) this.complain(failure ?? result?.errorOutput ?? "");
    });
    this.job = job;
    if (job === undefined) this.complain(problem);
  }

  close(): void {
    this.job?.abandon();
  }

  private complain(problem: string): void {
    this.log.limited("warning", "procd", `procd did not hear us: ${problem}`);
  }
}
