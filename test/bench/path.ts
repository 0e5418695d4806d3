// SPDX-License-Identifier: GPL-2.0-only
// What it costs to forward an ESP packet, ring to ring, against the kernel's own forwarding and masquerade.
//
// The figure that compares is CPU time a packet, of sender and router together, beyond what sending and arriving cost
// by themselves (the baseline). Packets a second would flatter userspace here: the kernel forwards within the sender's
// system call, on its CPU, while a router process has another CPU for itself; a board with one CPU has no such luck.
// Between veth ends all of the kernel's work happens within system calls of the two, so nothing is left out.

import { Compiler } from "../../src/system/compiler";
import { BenchRouter } from "./bench-router";
import type { Findings, Measurement } from "./findings";
import { median } from "./rounds";
import { type Forwarding, ROUTER_WAN, Site } from "./site";
import { type Cost, Tunnels } from "./tunnels";

const ROUND_MS = 100;
const ROUNDS = 15;
/** Enough for the compiler to have seen everything. */
const WARM_UP_MS = 1000;
const SIZES_BYTES = [64, 1400];
const TUNNELS = 64;
const REACH_SPEED = ">= 0.25";

type ContenderName = Forwarding | "baseline";

/** One way of forwarding under measurement. */
interface Contender {
  readonly name: ContenderName;
  readonly tunnels: Tunnels;
  readonly costs: Cost[];
}

interface Sites {
  readonly kernel: Site;
  readonly masquerade: Site;
  readonly vpnmasq: Site;
  readonly router: BenchRouter;
}

function contendersFor({ kernel, masquerade, vpnmasq, router }: Sites, packetBytes: number): Contender[] {
  const plain = { count: TUNNELS, packetBytes };
  const translated = { ...plain, wanAddress: ROUTER_WAN };
  return [
    // Nobody's frames are dropped as soon as IP sees them: what is left is sending and arriving.
    { name: "baseline", tunnels: new Tunnels(kernel, { ...plain, isForNobody: true }), costs: [] },
    { name: "kernel", tunnels: new Tunnels(kernel, plain), costs: [] },
    { name: "masquerade", tunnels: new Tunnels(masquerade, translated), costs: [] },
    { name: "vpnmasq", tunnels: new Tunnels(vpnmasq, { ...translated, pid: router.pid }), costs: [] },
  ];
}

function warmUp(contenders: readonly Contender[]): void {
  for (const { tunnels } of contenders) {
    tunnels.establish();
    tunnels.pump(WARM_UP_MS);
  }
}

function measure(contenders: readonly Contender[]): void {
  for (const _ of $range(1, ROUNDS)) for (const { tunnels, costs } of contenders) costs.push(tunnels.pump(ROUND_MS));
}

/** Nanoseconds of CPU time a packet, round by round. */
function nanoseconds(contenders: readonly Contender[], name: ContenderName): number[] {
  return contenders.find((one) => one.name === name)!.costs.map(({ cpuNs, packets }) => cpuNs / packets);
}

/** Costs are compared within each round: between rounds the machine's speed changes by more than they differ. */
function report(findings: Findings, packetBytes: number, contenders: readonly Contender[]): void {
  const baseline = nanoseconds(contenders, "baseline");
  const kernel = nanoseconds(contenders, "kernel");
  findings.figure(`path.baseline_${packetBytes}`, median(baseline), "ns");
  for (const { name, costs } of contenders) {
    if (name === "baseline") continue;
    const own = nanoseconds(contenders, name);
    const beyond = own.map((cost, round) => cost - baseline[round]);
    const speeds = own.map((cost, round) => (kernel[round] - baseline[round]) / (cost - baseline[round]));
    const rates = costs.map(({ packets, elapsedMs }) => (packets / elapsedMs) * 1000);
    findings.figure(`path.${name}_${packetBytes}`, median(beyond), "ns");
    findings.figure(`path.${name}_rate_${packetBytes}`, median(rates), "packets/s");
    const reach = name === "vpnmasq" ? REACH_SPEED : undefined;
    if (name !== "kernel") findings.figure(`path.${name}_speed_${packetBytes}`, median(speeds), "of kernel", reach);
    const lost = costs.reduce((sum, one) => sum + one.lost, 0);
    if (lost > 0) findings.note(`${name}, ${packetBytes} B: ${lost} packets were lost.`);
  }
}

export const path: Measurement = {
  name: "path",
  explanation:
    "ESP packets of 64 and 1400 bytes from one veth pair to another: CPU time of vpnmasq, of the kernel's plain " +
    "forwarding and of its masquerade, in turns.",
  run: (findings) => {
    new Compiler().start();
    const vpnmasq = new Site("vpnmasq", "vpnmasq", TUNNELS);
    const router = new BenchRouter(vpnmasq);
    const kernel = new Site("kernel", "kernel", TUNNELS);
    const masquerade = new Site("masquerade", "masquerade", TUNNELS);
    router.waitUntilReady();
    const sizes = SIZES_BYTES.map((bytes) => contendersFor({ kernel, masquerade, vpnmasq, router }, bytes));
    for (const contenders of sizes) warmUp(contenders);
    const abortsBefore = router.status().compiler.aborts;
    for (const contenders of sizes) measure(contenders);
    // Not a bound: what runs ten times a second, and not for each packet, goes on being tried for a while.
    findings.figure("path.trace_aborts", router.status().compiler.aborts - abortsBefore, "aborts");
    for (const at of $range(0, sizes.length - 1)) report(findings, SIZES_BYTES[at], sizes[at]);
    router.kill();
  },
};
