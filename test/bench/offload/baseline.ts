// SPDX-License-Identifier: GPL-2.0-only
// What is no way's: making frames, one veth hop, and dropping what arrives at once.

import { cpuNs } from "../cpu-time";
import { must } from "../programs";
import { LinkEnd } from "../site";
import { CountingEnd } from "./counting-end";
import { LiveFrames, SourceState } from "./live-frames";

export class Baseline {
  private readonly from: LinkEnd;
  private readonly end: CountingEnd;
  private readonly state = new SourceState();
  private readonly sources: Record<string, LiveFrames | undefined> = {};

  constructor() {
    must("ip link add base-near type veth peer name base-far && ip link set base-far up");
    this.end = new CountingEnd(new LinkEnd("base-far"));
    must("ip link set base-near up");
    this.from = new LinkEnd("base-near");
  }

  /** CPU time of a frame when they are sent so many at a time. */
  nsPerFrame(packetBytes: number, frames: number, windowFrames: number): number {
    const source = this.source(packetBytes, false);
    return source.whileReady(() => {
      const [before, startNs] = [this.end.arrived(), cpuNs()];
      let sent = 0;
      while (sent < frames) {
        source.send(windowFrames);
        sent += windowFrames;
      }
      const ns = (cpuNs() - startNs) / sent;
      const arrived = this.end.arrived() - before;
      if (arrived !== sent) error(`${sent - arrived} of ${sent} frames did not arrive over one hop`, 0);
      return ns;
    });
  }

  source(packetBytes: number, isStamped: boolean): LiveFrames {
    const key = `${packetBytes} ${isStamped}`;
    const options = { protocol: "esp", direction: "out", packetBytes, isTranslated: true, isStamped } as const;
    const source = this.sources[key] ?? new LiveFrames(this.from, options, 1, this.state);
    this.sources[key] = source;
    return source;
  }
}
