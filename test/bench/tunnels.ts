// SPDX-License-Identifier: GPL-2.0-only
// Tunnels through a site, with traffic on them as fast as it goes: half of the packets go out, half come in.
//
// The sender keeps a window: it stops while too many packets are under way, so none is lost and every one that was
// paid for is counted.

import { monotonicMs } from "../../src/system/clock";
import { closeSocket } from "../../src/system/link-address";
import { SendQueue } from "../../src/system/send-queue";
import { cpuNs, cpuNsOf } from "./cpu-time";
import { sleepMs } from "./programs";
import type { LinkEnd, Site } from "./site";
import { TunnelFrames } from "./tunnel-frames";

const BURST = 32;
/** Bursts each way between two looks at what has arrived. */
const BURSTS_PER_LOOK = 3;
/** Packets under way each way; fewer than the receive ring has slots (256). */
const WINDOW = 224;
const WAIT_MS = 0.05;
/** What makes no progress for so long is lost; a busy machine keeps a router from running for tens of milliseconds. */
const LOSS_MS = 500;
/** Nothing is measured yet: a router that gets no time for seconds has lost nothing. */
const ESTABLISH_MS = 5000;
const NOBODYS_MAC = "02:00:00:00:00:77";

/** What some packets cost. */
export interface Cost {
  /** Forwarded; of packets that are for nobody, sent. */
  readonly packets: number;
  readonly lost: number;
  /** Of the sender, and of the router process if there is one. */
  readonly cpuNs: number;
  readonly elapsedMs: number;
}

export interface TunnelOptions {
  readonly count: number;
  /** Of the IP packet. */
  readonly packetBytes: number;
  /** The address that servers answer to; absent where there is no NAT. */
  readonly wanAddress?: string;
  /** The router's process, if forwarding is not the kernel's. */
  readonly pid?: number;
  /** The router is not to take the frames. */
  readonly isForNobody?: boolean;
}

/** One direction. */
class Stream {
  private readonly fd: number;
  private readonly queue: SendQueue;
  private readonly before: number;
  sent = 0;
  lost = 0;

  constructor(
    from: LinkEnd,
    private readonly to: LinkEnd,
    private readonly frames: TunnelFrames,
  ) {
    this.fd = from.socket();
    this.queue = new SendQueue(this.fd, BURST, undefined);
    this.before = to.framesReceived();
  }

  burst(): void {
    for (const _ of $range(1, BURST)) this.queue.push(this.frames.next(), this.frames.frameBytes);
    this.queue.flush();
    this.sent += BURST;
  }

  close(): void {
    closeSocket(this.fd);
  }

  arrived(): number {
    return this.to.framesReceived() - this.before;
  }

  /** What was given up and came late after all was not lost: or else the window would be wider from then on. */
  underWay(): number {
    const left = this.sent - this.lost - this.arrived();
    if (left < 0) this.lost += left;
    return Math.max(0, left);
  }
}

export class Tunnels {
  private readonly out: Stream;
  private readonly in: Stream;

  constructor(
    site: Site,
    private readonly options: TunnelOptions,
  ) {
    const to = options.isForNobody === true ? { to: NOBODYS_MAC } : {};
    const { count, packetBytes, wanAddress } = options;
    const common = { tunnels: count, packetBytes, ...to };
    const address = wanAddress === undefined ? {} : { wanAddress };
    this.out = new Stream(site.near, site.far, new TunnelFrames({ ...common, direction: "out" }));
    this.in = new Stream(site.far, site.near, new TunnelFrames({ ...common, ...address, direction: "in" }));
  }

  count(): number {
    return this.options.count;
  }

  /** Gives back the sockets. */
  close(): void {
    this.out.close();
    this.in.close();
  }

  /** Lets every tunnel's first packet go out before any answer comes in. */
  establish(): void {
    if (this.options.isForNobody === true) return;
    for (const stream of [this.out, this.in]) {
      for (const _ of $range(1, Math.ceil(this.options.count / BURST))) stream.burst();
      const deadlineMs = monotonicMs() + ESTABLISH_MS;
      while (stream.underWay() > 0 && monotonicMs() < deadlineMs) sleepMs(WAIT_MS);
      const left = stream.underWay();
      if (left > 0) error(`${left} of the first ${stream.sent} packets of tunnels were not forwarded`, 0);
    }
  }

  /** Sends for so long; what it cost. */
  pump(durationMs: number): Cost {
    const startMs = monotonicMs();
    const before = { sent: this.sent(), lost: this.lost(), cpu: this.cpu() };
    while (monotonicMs() - startMs < durationMs) {
      this.awaitRoom(WINDOW - BURSTS_PER_LOOK * BURST);
      for (const _ of $range(1, BURSTS_PER_LOOK)) {
        this.out.burst();
        this.in.burst();
      }
    }
    this.awaitRoom(0);
    const lost = this.lost() - before.lost;
    const packets = this.sent() - before.sent - lost;
    return { packets, lost, cpuNs: this.cpu() - before.cpu, elapsedMs: monotonicMs() - startMs };
  }

  /** Waits until at most so many packets are under way each way. */
  private awaitRoom(most: number): void {
    const out = this.out.underWay();
    const incoming = this.in.underWay();
    if (this.options.isForNobody === true || (out <= most && incoming <= most)) return;
    let [leastOut, leastIn, sinceMs] = [out, incoming, monotonicMs()];
    while (leastOut > most || leastIn > most) {
      sleepMs(WAIT_MS);
      const [nowOut, nowIn] = [this.out.underWay(), this.in.underWay()];
      if (nowOut < leastOut || nowIn < leastIn) {
        [leastOut, leastIn, sinceMs] = [nowOut, nowIn, monotonicMs()];
      } else if (monotonicMs() - sinceMs > LOSS_MS) {
        this.out.lost += nowOut;
        this.in.lost += nowIn;
        return;
      }
    }
  }

  private sent(): number {
    return this.out.sent + this.in.sent;
  }

  private lost(): number {
    return this.out.lost + this.in.lost;
  }

  private cpu(): number {
    return cpuNs() + (this.options.pid === undefined ? 0 : cpuNsOf(this.options.pid));
  }
}
