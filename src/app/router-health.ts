// SPDX-License-Identifier: GPL-2.0-only
// The router's look at itself: once a second at rings and links, and every few seconds a heartbeat on the console.

import type { Side } from "../forwarding/side";
import { sealed } from "../heartbeat/checked-line";
import { heartbeatText } from "../heartbeat/heartbeat";
import type { Reason } from "../masquerade/reason";
import { ConsoleOutput } from "../system/console-output";
import type { Log } from "../system/log";
import { ForwardingHealth, type Health, type SideLook } from "../watchdog/forwarding-health";
import type { Configuration } from "./configuration";
import type { LinkReport } from "./link-report";

/** Wedges take seconds to prove, so looking more often shows nothing more. */
const LOOK_MS = 1000;

/** What a restart would not mend is for somebody to look at, but no fault of the program. */
const LEVELS = { ok: "notice", degraded: "warning", wedged: "error" } as const;

/** How a packet ends that found no way on. */
const UNROUTABLE: readonly Reason[] = ["no-route", "neighbour-unknown"];

/** What is looked at. */
export interface RouterParts {
  readonly lanSide: Side | undefined;
  readonly wanSide: Side | undefined;
  readonly lan: LinkReport;
  readonly wan: LinkReport;
  readonly counters: LuaMap<Reason, number>;
  readonly isKernelKeptOff: boolean;
  readonly espItems: number;
}

export class RouterHealth {
  private readonly health = new ForwardingHealth();
  private readonly console: ConsoleOutput | undefined;
  private readonly intervalMs: number;
  private sequence = 0;
  private lookedMs = -Infinity;
  private beatMs = -Infinity;
  private said: Health;

  constructor(
    { heartbeat, heartbeatIntervalMs }: Configuration,
    private readonly startedMs: number,
    private readonly log: Log,
  ) {
    this.console = heartbeat === undefined ? undefined : new ConsoleOutput(heartbeat);
    this.intervalMs = heartbeatIntervalMs;
    this.said = this.health.present();
  }

  present(): Health {
    return this.health.present();
  }

  /** Call with every tick; `partsNow` is called only when it is time to look. */
  tick(nowMs: number, wallMs: number, partsNow: () => RouterParts): void {
    if (nowMs < this.lookedMs + LOOK_MS) return;
    this.lookedMs = nowMs;
    const parts = partsNow();
    this.health.look(
      {
        lan: lookAt(parts.lan, parts.lanSide),
        wan: lookAt(parts.wan, parts.wanSide),
        hasWanAddress: parts.wan.address !== undefined,
        isKernelKeptOff: parts.isKernelKeptOff,
        unroutable: UNROUTABLE.reduce((sum, reason) => sum + (parts.counters.get(reason) ?? 0), 0),
      },
      nowMs,
    );
    this.logChange();
    if (nowMs >= this.beatMs + this.intervalMs) this.beat(nowMs, wallMs, parts);
  }

  close(): void {
    this.console?.close();
  }

  private logChange(): void {
    const health = this.present();
    if (health.reason === this.said.reason) return;
    this.said = health;
    const text = `health: ${health.state}: ${health.meaning}`;
    this.log.write(LEVELS[health.state], text);
  }

  private beat(nowMs: number, wallMs: number, { lan, wan, espItems }: RouterParts): void {
    if (this.console === undefined) return;
    this.beatMs = nowMs;
    this.sequence += 1;
    const { state, reason } = this.present();
    const numbers = [
      { name: "up", value: Math.floor((nowMs - this.startedMs) / 1000) },
      { name: "time", value: Math.floor(wallMs / 1000) },
      { name: "lan", value: lan.framesIn },
      { name: "wan", value: wan.framesIn },
      { name: "esp", value: espItems },
    ];
    const text = sealed(heartbeatText({ sequence: this.sequence, health: state, reason, numbers }));
    const [, problem] = this.console.line(text);
    if (problem !== undefined) this.log.limited("warning", "heartbeat", `heartbeat: ${problem}`);
  }
}

function lookAt(link: LinkReport, side: Side | undefined): SideLook {
  const ring = side?.ring;
  const statistics = ring?.statistics();
  return {
    isPresent: link.isPresent,
    isUp: link.isUp,
    isOpen: ring !== undefined,
    isFrameWaiting: ring?.isFrameWaiting() === true,
    framesTaken: ring?.received ?? 0,
    framesSent: statistics?.sent ?? 0,
    framesRefused: statistics === undefined ? 0 : statistics.sendDrops + statistics.sendErrors,
  };
}
