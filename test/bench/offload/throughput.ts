// SPDX-License-Identifier: GPL-2.0-only
// What a packet costs on each way: CPU time beyond that of making the frame, having it arrive and dropping it.

import { monotonicMs } from "../../../src/system/clock";
import type { Findings } from "../findings";
import { percentile } from "../rounds";
import type { Direction } from "../tunnel-frames";
import type { Baseline } from "./baseline";
import { type Cost, ITEMS, LOST_SHARE_MAX, type Stream, type Way, WINDOW_FRAMES } from "./way";

const ROUNDS = 7;
/** Of a round; all items have their turn. */
const FRAMES = ITEMS;
/**
 * So many first packets at once are a flood, after which the process' compiler starts afresh by itself, within ten
 * seconds; and then it must see everything.
 */
const WARM_UP_MS = 12000;
const SIZES_BYTES = [64, 1400];
const COUNTS: readonly (readonly [count: number, label: string])[] = [
  [1, "1"],
  [1024, "1k"],
  [ITEMS, "16k"],
];
const DIRECTIONS: readonly Direction[] = ["out", "in"];
/** What each way's speed is to be, as a multiple of plain forwarding's. */
const REACHES: Record<string, string | undefined> = {
  "userspace.esp": ">= 0.4",
  "tcx.esp": ">= 1.2",
  "xdp.esp": ">= 3",
  "xdp.udp": ">= 2.5",
};
const REACH_AGAINST_MASQUERADE = ">= 6";

interface Subject {
  /** Of figures, for example "esp_out_64_1k". */
  readonly label: string;
  readonly stream: Stream;
}

function subjects(protocol: "esp" | "udp"): Subject[] {
  return DIRECTIONS.flatMap((direction) =>
    SIZES_BYTES.flatMap((packetBytes) =>
      COUNTS.map(([items, count]) => ({
        label: `${protocol}_${direction}_${packetBytes}_${count}`,
        stream: { protocol, direction, packetBytes, items },
      })),
    ),
  );
}

/** How many frames a way takes at once: a process as many as its ring has room for. */
function windowOf(way: Way): number {
  return way.name === "userspace" ? WINDOW_FRAMES : FRAMES;
}

function push(values: LuaMap<string, number[]>, key: string, value: number): void {
  const known = values.get(key) ?? [];
  known.push(value);
  values.set(key, known);
}

/** Nanoseconds a packet beyond the baseline, of all rounds, for each way and subject. */
class Costs {
  private readonly rounds = new LuaMap<string, number[]>();
  /** CPU time of the process of each way that has one, and the time that passed meanwhile. */
  private readonly processes = new LuaMap<string, { cpuMs: number; elapsedMs: number }>();
  lost = 0;

  /** Where the kernel forwards, what the process does goes with time and not with packets: that is another figure. */
  add(way: Way, { label }: Subject, { sendingNs, routerNs, elapsedMs, packets, lost }: Cost, baselineNs: number): void {
    const cpuNs = way.name === "userspace" ? sendingNs + routerNs : sendingNs;
    push(this.rounds, `${way.name} ${label}`, cpuNs / packets - baselineNs);
    const { cpuMs, elapsedMs: beforeMs } = this.processes.get(way.name) ?? { cpuMs: 0, elapsedMs: 0 };
    if (way.router !== undefined) {
      this.processes.set(way.name, { cpuMs: cpuMs + routerNs / 1e6, elapsedMs: beforeMs + elapsedMs });
    }
    this.lost += lost;
  }

  /** Undefined where there is no process. */
  processShare(way: string): number | undefined {
    const used = this.processes.get(way);
    return used && used.cpuMs / used.elapsedMs;
  }

  of(way: string, { label }: Subject): number[] {
    return this.rounds.get(`${way} ${label}`)!;
  }
}

function measureRound(ways: readonly Way[], baseline: Baseline, all: readonly Subject[], costs: Costs): void {
  for (const subject of all) {
    const { packetBytes } = subject.stream;
    const whole = baseline.nsPerFrame(packetBytes, FRAMES, FRAMES);
    const windowed = baseline.nsPerFrame(packetBytes, FRAMES, WINDOW_FRAMES);
    for (const way of ways) {
      const window = windowOf(way);
      if (way.router !== undefined) way.refresh(subject.stream);
      costs.add(way, subject, way.send(subject.stream, FRAMES, window), window === FRAMES ? whole : windowed);
    }
  }
}

/** Within each round, because between rounds the machine's speed changes by more than two ways differ. */
function speeds(costs: Costs, way: string, against: string, subject: Subject): number[] {
  const own = costs.of(way, subject);
  return costs.of(against, subject).map((cost, round) => cost / own[round]);
}

function report(findings: Findings, ways: readonly Way[], protocol: "esp" | "udp", costs: Costs): void {
  const all = subjects(protocol);
  for (const { name } of ways) {
    for (const subject of all) {
      findings.figure(`offload.${name}_${subject.label}`, percentile(costs.of(name, subject), 50), "ns");
    }
    if (name === "kernel") continue;
    const share = costs.processShare(name);
    if (share !== undefined && name !== "userspace") {
      findings.figure(`offload.${name}_${protocol}_process`, share * 100, "% of a CPU");
    }
    const medians = all.map((subject) => percentile(speeds(costs, name, "kernel", subject), 50));
    const reach = REACHES[`${name}.${protocol}`];
    findings.figure(`offload.${name}_${protocol}_speed`, percentile(medians, 50), "of kernel", reach);
    findings.figure(`offload.${name}_${protocol}_speed_least`, percentile(medians, 0), "of kernel");
    if (name === "masquerade" || protocol === "udp") continue;
    const against = all.map((subject) => percentile(speeds(costs, name, "masquerade", subject), 50));
    const aim = name === "xdp" ? REACH_AGAINST_MASQUERADE : undefined;
    findings.figure(`offload.${name}_${protocol}_gain`, percentile(against, 50), "of masq.", aim);
  }
}

/** The stateless map and tcx are measured with ESP, and a flow table takes none of it. */
function isFor({ name }: Way, protocol: "esp" | "udp"): boolean {
  return protocol === "esp" ? name !== "flowtable" : name !== "stateless" && name !== "tcx";
}

/** Only a process needs long; of the others each item's packet passes the process once. */
function warmUp(way: Way, protocol: "esp" | "udp"): void {
  const startMs = monotonicMs();
  do {
    for (const { stream } of subjects(protocol)) way.refresh(stream);
  } while (way.name === "userspace" && monotonicMs() - startMs < WARM_UP_MS);
}

/** Makes the items and sends everything once; whether a way forwards the protocol without losing much of it. */
function isAble(findings: Findings, way: Way, protocol: "esp" | "udp"): boolean {
  let [lost, frames] = [way.establish(protocol, 0, ITEMS), ITEMS];
  if (lost <= frames * LOST_SHARE_MAX) {
    if (way.router !== undefined) warmUp(way, protocol);
    for (const { stream } of subjects(protocol)) {
      lost += way.send(stream, FRAMES, windowOf(way)).lost;
      frames += FRAMES;
      if (lost > frames * LOST_SHARE_MAX) break;
    }
  }
  if (lost <= frames * LOST_SHARE_MAX) return true;
  findings.note(`${way.name} is not compared with ${protocol}: ${lost} of ${frames} packets were lost.`);
  return false;
}

/** Measures and records both protocols. */
export function measureThroughput(findings: Findings, ways: readonly Way[], baseline: Baseline): void {
  for (const packetBytes of SIZES_BYTES) {
    const name = `offload.baseline_${packetBytes}`;
    findings.figure(name, baseline.nsPerFrame(packetBytes, 8 * FRAMES, FRAMES), "ns");
  }
  for (const protocol of ["esp", "udp"] as const) {
    const contenders = ways.filter((way) => isFor(way, protocol) && isAble(findings, way, protocol));
    const costs = new Costs();
    for (const _ of $range(1, ROUNDS)) measureRound(contenders, baseline, subjects(protocol), costs);
    report(findings, contenders, protocol, costs);
    if (costs.lost > 0) findings.note(`${protocol}: ${costs.lost} packets were lost while measuring.`);
  }
}
