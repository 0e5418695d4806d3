// SPDX-License-Identifier: GPL-2.0-only
// The watchdog's pins and SA monitor at one end of a tunnel, in a scenario's own hands: it says by itself what belongs
// where, and reads what the kernel tells.

import { EventLoop } from "../../../src/system/event-loop";
import { eventGroup, XfrmSocket } from "../../../src/system/xfrm";
import type { XfrmEvent } from "../../../src/system/xfrm-message";
import type { EpochSas, SaReport } from "../../../src/watchdog/epoch-pairing";
import type { PinnedTunnel } from "../../../src/watchdog/pin-policy";
import { type PinPlacement, Pins } from "../../../src/watchdog/pins";
import { SaMonitor } from "../../../src/watchdog/sa-monitor";
import { parseAddress, parsePrefix } from "../../../src/wire/address";
import { nowMs } from "./clock";
import { inNamespace } from "./namespace";
import { type Client, SERVER, SERVER_ADDRESS, SERVER_INNER_ADDRESS, SERVER_INNER_SUBNET } from "./topology";

const TICK_MS = 5;
const AWAITED_INTERVAL_MS = 20;
const ALL_INTERVAL_MS = 1000;

/** One end of a tunnel. */
export interface End {
  readonly namespace: string;
  readonly address: string;
  readonly innerAddress: string;
  readonly innerPrefix: string;
}

export function endOf(client: Client): End {
  const { name, address, innerAddress } = client;
  return { namespace: name, address, innerAddress, innerPrefix: `${innerAddress}/32` };
}

export const SERVER_END: End = {
  namespace: SERVER,
  address: SERVER_ADDRESS,
  innerAddress: SERVER_INNER_ADDRESS,
  innerPrefix: SERVER_INNER_SUBNET,
};

/** What an end sends to the other, as the watchdog sees it. */
function tunnelOf(near: End, far: End): PinnedTunnel {
  const selector = {
    source: parsePrefix(near.innerPrefix)!,
    destination: parsePrefix(far.innerPrefix)!,
    protocol: 0,
    sourcePort: { value: 0, mask: 0 },
    destinationPort: { value: 0, mask: 0 },
  };
  const traffic = { selectors: [selector], mark: undefined, interfaceId: 0 };
  const ping = { source: parseAddress(near.innerAddress)!, target: parseAddress(far.innerAddress)! };
  return { name: near.namespace, traffic, ping };
}

/** The watchdog's hands at one end of a tunnel, with everything the kernel tells of it. */
export class EndWatch {
  readonly loop = new EventLoop();
  readonly tunnel: PinnedTunnel;
  readonly xfrm: XfrmSocket;
  pins: Pins;
  readonly monitor: SaMonitor;
  epochs: EpochSas[] = [];
  readonly answered = new LuaSet<number>();
  acquires = 0;

  constructor(
    readonly near: End,
    readonly far: End,
  ) {
    this.tunnel = tunnelOf(near, far);
    this.xfrm = this.follow();
    this.pins = new Pins(this.xfrm);
    this.monitor = new SaMonitor(this.xfrm, {
      isLocal: (address) => address === parseAddress(near.address),
      onReport: (report) => {
        this.hear(report);
      },
      awaitedIntervalMs: AWAITED_INTERVAL_MS,
      allIntervalMs: ALL_INTERVAL_MS,
      wallClockMs: () => os.time() * 1000,
    });
    this.monitor.start(nowMs());
    this.startPins();
  }

  startPins(): void {
    const [started, problem] = inNamespace(this.near.namespace, () => this.pins.start(nowMs()));
    if (started === undefined) error(problem, 0);
  }

  place(placement: PinPlacement): void {
    const [done, problem] = this.pins.place(this.tunnel, placement, nowMs());
    if (done === undefined) error(problem, 0);
  }

  newest(): EpochSas | undefined {
    return this.epochs[this.epochs.length - 1];
  }

  /** Lets time pass, or less when the condition comes true. */
  run(durationMs: number, until: () => boolean = () => false): boolean {
    const endMs = nowMs() + durationMs;
    while (nowMs() < endMs) {
      if (until()) return true;
      this.loop.runOnce(TICK_MS);
      this.monitor.tick(nowMs());
      this.pins.tick(nowMs());
    }
    return until();
  }

  close(): void {
    inNamespace(this.near.namespace, () => {
      this.pins.close();
    });
    this.xfrm.close();
  }

  private follow(): XfrmSocket {
    const groups = eventGroup.sa + eventGroup.expire + eventGroup.policy + eventGroup.acquire;
    const [xfrm, problem] = inNamespace(this.near.namespace, () =>
      XfrmSocket.follow(this.loop, groups, (event) => {
        this.handle(event);
      }),
    );
    if (xfrm === undefined) error(problem, 0);
    return xfrm;
  }

  private handle(event: XfrmEvent): void {
    if (event.kind === "acquire") this.acquires += 1;
    this.pins.handle(event, nowMs());
    this.monitor.handle(event, nowMs());
  }

  private hear(report: SaReport): void {
    if (report.kind === "appeared" || report.kind === "found") this.epochs.push(report.epoch);
    else if (report.kind === "used") this.answered.add(report.epoch.inSpi);
    else this.epochs = this.epochs.filter((epoch) => epoch !== report.epoch);
  }
}
