// SPDX-License-Identifier: GPL-2.0-only
// How long packets are under way at 100 000 a second, and how much of a CPU that takes.
//
// Ten frames at once, every tenth of a millisecond. Each carries the time when it was made, and the end that it comes out at
// sorts how long it took: no program has to wake up for a packet but the router's own.

import { monotonicMs } from "../../../src/system/clock";
import { cpuNs } from "../cpu-time";
import type { Findings } from "../findings";
import { sleepMs } from "../programs";
import type { Baseline } from "./baseline";
import type { LiveFrames } from "./live-frames";
import type { Stream, Way } from "./way";

const BURST_FRAMES = 10;
const INTERVAL_MS = 0.1;
const DURATION_MS = 1500;
const PACKET_BYTES = 128;
const ITEMS = 1024;
const PERCENTS: readonly (readonly [percent: number, label: string])[] = [
  [50, "p50"],
  [99, "p99"],
  [99.9, "p999"],
];
/** Who is compared: what a user has today, and vpnmasq. */
const WAYS = ["masquerade", "userspace", "tcx", "xdp"];

/** Sends at the pace; how many frames, and how long it took. */
function pace(source: LiveFrames): { readonly frames: number; readonly elapsedMs: number } {
  const startMs = monotonicMs();
  let bursts = 0;
  while (monotonicMs() - startMs < DURATION_MS) {
    source.send(BURST_FRAMES);
    bursts += 1;
    const leftMs = startMs + bursts * INTERVAL_MS - monotonicMs();
    if (leftMs > 0) sleepMs(leftMs);
  }
  return { frames: bursts * BURST_FRAMES, elapsedMs: monotonicMs() - startMs };
}

/** CPU time a second of what is no way's: waking up, making frames, dropping them. */
function idleShare(baseline: Baseline): number {
  const source = baseline.source(PACKET_BYTES, true);
  const startNs = cpuNs();
  const { elapsedMs } = source.whileReady(() => pace(source));
  return (cpuNs() - startNs) / (elapsedMs * 1e6);
}

function measureWay(findings: Findings, way: Way, idle: number): void {
  const stream: Stream = {
    protocol: "esp",
    direction: "out",
    packetBytes: PACKET_BYTES,
    items: ITEMS,
    isStamped: true,
  };
  way.refresh(stream);
  const source = way.source(stream);
  const end = way.end("out");
  end.startTiming();
  const [before, startNs] = [end.arrived(), way.cpu()];
  const { frames, elapsedMs } = source.whileReady(() => pace(source));
  const share = (way.cpu() - startNs) / (elapsedMs * 1e6);
  const lost = way.awaitAll("out", before + frames);
  const times = end.percentilesUs(PERCENTS.map(([percent]) => percent));
  for (const at of $range(0, PERCENTS.length - 1)) {
    findings.figure(`offload.${way.name}_latency_${PERCENTS[at][1]}`, times[at], "us");
  }
  findings.figure(`offload.${way.name}_rate`, (frames - lost) / elapsedMs, "kpps");
  findings.figure(`offload.${way.name}_cpu`, (share - idle) * 100, "% of a CPU");
  if (lost > 0) findings.note(`${way.name}, 100 000 a second: ${lost} of ${frames} packets were lost.`);
}

/** Measures latency and CPU use of each way at 100 000 packets a second. The tunnels are there. */
export function measurePaced(findings: Findings, ways: readonly Way[], baseline: Baseline): void {
  const idle = idleShare(baseline);
  for (const way of ways) if (WAYS.includes(way.name)) measureWay(findings, way, idle);
}
