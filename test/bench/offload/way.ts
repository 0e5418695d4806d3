// SPDX-License-Identifier: GPL-2.0-only
// One way through a router under measurement: its site, the ends that count, and the frames that go through.

import { monotonicMs } from "../../../src/system/clock";
import type { BenchRouter } from "../bench-router";
import { cpuNs, cpuNsOf } from "../cpu-time";
import { sleepMs } from "../programs";
import type { Site } from "../site";
import type { Direction } from "../tunnel-frames";
import { CountingEnd } from "./counting-end";
import { LiveFrames, SourceState } from "./live-frames";
import { PAIRS, type SourceOptions } from "./source-frame";

/** Items in all. */
export const ITEMS = 16384;
/** Of the packets that an item begins with. */
export const FIRST_PACKET_BYTES = 128;
/** Slots of a process' receive ring: more than usual, because each call that sends costs as much as 500 frames. */
export const RING_FRAMES = 1024;
/** Fewer than a ring has slots. */
export const WINDOW_FRAMES = 960;
/** What makes no progress for so long is lost; a busy machine may keep a router waiting for a tenth of a second. */
const LOSS_MS = 300;
const WAIT_MS = 0.02;
/** More missing than this, and what was measured is not forwarding. */
export const LOST_SHARE_MAX = 0.01;

/** What goes through a way: so many items take turns. */
export interface Stream extends Pick<SourceOptions, "protocol" | "direction" | "packetBytes"> {
  readonly items: number;
  readonly isStamped?: boolean;
}

/** What some packets cost. */
export interface Cost {
  /** CPU time of this process' calls that send: they hold all that the kernel does for the packets. */
  readonly sendingNs: number;
  /** Of the router's process, if there is one. */
  readonly routerNs: number;
  readonly elapsedMs: number;
  readonly packets: number;
  readonly lost: number;
}

export class Way {
  private readonly ends: Record<Direction, CountingEnd>;
  private readonly states: Record<Direction, SourceState> = { out: new SourceState(), in: new SourceState() };
  private readonly sources = new LuaMap<string, LiveFrames>();
  router: BenchRouter | undefined;

  /** @param isTranslated there is a NAT: answers go to the router's address */
  constructor(
    readonly name: string,
    private readonly site: Site,
    private readonly isTranslated: boolean,
  ) {
    this.ends = { out: new CountingEnd(site.far), in: new CountingEnd(site.near) };
  }

  /** Where packets of a direction come out. */
  end(direction: Direction): CountingEnd {
    return this.ends[direction];
  }

  source(stream: Stream): LiveFrames {
    const { protocol, direction, packetBytes, items, isStamped = false } = stream;
    const key = `${protocol} ${direction} ${packetBytes} ${items} ${isStamped}`;
    const known = this.sources.get(key);
    if (known !== undefined) return known;
    const from = direction === "out" ? this.site.near : this.site.far;
    const options = { protocol, direction, packetBytes, isTranslated: this.isTranslated, isStamped };
    const source = new LiveFrames(from, options, items, this.states[direction]);
    this.sources.set(key, source);
    return source;
  }

  /**
   * Sends every item's first packet out and has it answered. With a process in between, one item of a client and server
   * at a time: whose an answer is would not be certain otherwise.
   *
   * @returns how many packets were lost
   */
  establish(protocol: "esp" | "udp", first: number, count: number): number {
    const common = { protocol, packetBytes: FIRST_PACKET_BYTES, items: 2 * ITEMS };
    const together = this.router === undefined ? count : PAIRS;
    let lost = 0;
    for (const item of $range(first, first + count - 1, together)) {
      for (const direction of ["out", "in"] as const) {
        const frames = math.min(together, first + count - item);
        const before = this.ends[direction].arrived();
        this.source({ ...common, direction }).sendInOrder(item, frames);
        lost += this.awaitAll(direction, before + frames);
        // Who forwards nothing is not asked further: each loss takes a while to be sure of.
        if (lost > count * LOST_SHARE_MAX) return lost;
      }
    }
    return lost;
  }

  /** Lets each item's packet pass once, for a process forgets to have the kernel forward what was quiet for seconds. */
  refresh(stream: Stream): void {
    this.send(stream, Math.max(stream.items, WINDOW_FRAMES), WINDOW_FRAMES);
  }

  /** Sends frames, all at once or so many at a time as a process' ring takes; what it cost. */
  send(stream: Stream, frames: number, windowFrames: number): Cost {
    const source = this.source(stream);
    return source.whileReady(() => this.pump(source, stream.direction, frames, windowFrames));
  }

  private pump(source: LiveFrames, direction: Direction, frames: number, windowFrames: number): Cost {
    const before = this.ends[direction].arrived();
    const [startMs, routerStartNs] = [monotonicMs(), this.routerNs()];
    let [sent, lost, sendingNs] = [0, 0, 0];
    while (sent < frames) {
      const startNs = cpuNs();
      source.send(windowFrames);
      sendingNs += cpuNs() - startNs;
      sent += windowFrames;
      lost += this.awaitAll(direction, before + sent - lost);
    }
    const routerNs = this.routerNs() - routerStartNs;
    return { sendingNs, routerNs, elapsedMs: monotonicMs() - startMs, packets: sent - lost, lost };
  }

  private routerNs(): number {
    return this.router === undefined ? 0 : cpuNsOf(this.router.pid);
  }

  /** CPU time that this process and the router's have used. */
  cpu(): number {
    return cpuNs() + this.routerNs();
  }

  /** Waits until so many packets in all have arrived; how many are missing in the end. */
  awaitAll(direction: Direction, packets: number): number {
    let [arrived, sinceMs] = [this.ends[direction].arrived(), monotonicMs()];
    while (arrived < packets) {
      sleepMs(WAIT_MS);
      const now = this.ends[direction].arrived();
      if (now > arrived) [arrived, sinceMs] = [now, monotonicMs()];
      else if (monotonicMs() - sinceMs > LOSS_MS) return packets - arrived;
    }
    return 0;
  }
}
