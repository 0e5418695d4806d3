// SPDX-License-Identifier: GPL-2.0-only
// What the NAT's own logic costs for a packet: decide and rewrite, without any input or output.
//
// The code under the clock is what the forwarding layer calls. Before each packet it is loaded (packets.ts); what that
// costs by itself is taken off.

import type { Table } from "../../src/masquerade/table";
import { Action } from "../../src/masquerade/verdict";
import { cpuNs } from "./cpu-time";
import type { Measurement } from "./findings";
import { inTurns } from "./rounds";
import { TraceWatch } from "./trace-watch";
import { espTraffic, NOW_MS, type Traffic, udpTraffic } from "./traffic";

const ROUNDS = 7;
/** Of each round; all items are visited. */
const PACKETS = 200000;
const COUNTS: readonly (readonly [count: number, name: string])[] = [
  [1, "1"],
  [1000, "1k"],
  [100000, "100k"],
];
const REACH_ESP = "<= 200";

type Load = (traffic: Traffic, packets: number) => void;

// Each of these loops is compiled by itself, as the one loop that a router runs.

function loadEsp({ out }: Traffic, packets: number): void {
  const last = out.count - 1;
  let at = 0;
  for (const _ of $range(1, packets)) {
    out.loadNext(at);
    at = (at + 1) & last;
  }
}

function loadUdp({ out }: Traffic, packets: number): void {
  const last = out.count - 1;
  let at = 0;
  for (const _ of $range(1, packets)) {
    out.load(at);
    at = (at + 1) & last;
  }
}

function espOut({ table, out }: Traffic, packets: number): void {
  const last = out.count - 1;
  let at = 0;
  for (const _ of $range(1, packets)) {
    out.loadNext(at);
    table.decideOutbound(out.frame, 0, out.lengthBytes, NOW_MS);
    if (table.verdict.action === Action.Forward) table.rewriteOutbound();
    at = (at + 1) & last;
  }
}

function espIn(traffic: Traffic, packets: number): void {
  const { table } = traffic;
  const incoming = traffic.in;
  const last = incoming.count - 1;
  let at = 0;
  for (const _ of $range(1, packets)) {
    incoming.loadNext(at);
    table.decideInbound(incoming.frame, 0, incoming.lengthBytes, NOW_MS);
    if (table.verdict.action === Action.Forward) rewriteInbound(table);
    at = (at + 1) & last;
  }
}

function udpOut({ table, out }: Traffic, packets: number): void {
  const last = out.count - 1;
  let at = 0;
  for (const _ of $range(1, packets)) {
    out.load(at);
    table.decideOutbound(out.frame, 0, out.lengthBytes, NOW_MS);
    if (table.verdict.action === Action.Forward) table.rewriteOutbound();
    at = (at + 1) & last;
  }
}

function udpIn(traffic: Traffic, packets: number): void {
  const { table } = traffic;
  const incoming = traffic.in;
  const last = incoming.count - 1;
  let at = 0;
  for (const _ of $range(1, packets)) {
    incoming.load(at);
    table.decideInbound(incoming.frame, 0, incoming.lengthBytes, NOW_MS);
    if (table.verdict.action === Action.Forward) rewriteInbound(table);
    at = (at + 1) & last;
  }
}

function rewriteInbound(table: Table): void {
  table.packet.decrementTimeToLive();
  table.rewriteInbound(table.verdict.client, table.verdict.port);
}

/** Nanoseconds a packet. */
function timed(load: Load, traffic: Traffic): () => number {
  const packets = Math.max(PACKETS, traffic.out.count);
  return () => {
    const startNs = cpuNs();
    load(traffic, packets);
    return (cpuNs() - startNs) / packets;
  };
}

interface Subject {
  readonly figure: string;
  readonly reach: string | undefined;
  readonly run: () => number;
  /** Loads the same packets and does nothing with them. */
  readonly loading: () => number;
}

function subjects(): Subject[] {
  return COUNTS.flatMap(([count, label]) => {
    const tunnels = espTraffic(count);
    const flows = udpTraffic(count);
    const [loadingEsp, loadingUdp] = [timed(loadEsp, tunnels), timed(loadUdp, flows)];
    return [
      { figure: `logic.esp_out_${label}`, reach: REACH_ESP, run: timed(espOut, tunnels), loading: loadingEsp },
      { figure: `logic.esp_in_${label}`, reach: REACH_ESP, run: timed(espIn, tunnels), loading: loadingEsp },
      { figure: `logic.udp_out_${label}`, reach: undefined, run: timed(udpOut, flows), loading: loadingUdp },
      { figure: `logic.udp_in_${label}`, reach: undefined, run: timed(udpIn, flows), loading: loadingUdp },
    ];
  });
}

export const logic: Measurement = {
  name: "logic",
  explanation:
    "What the NAT's own logic costs for a packet, with 1, 1000 and 100 000 tunnels or flows in random order.",
  run: (findings) => {
    const watch = new TraceWatch();
    const all = subjects();
    // So many first packets at once are a flood, after which the router's compiler starts afresh by itself.
    watch.compiler.startAfresh();
    collectgarbage();
    const variants = all.flatMap(({ run, loading }) => [() => loading(), () => run()]);
    const values = inTurns(ROUNDS, variants, () => {
      watch.reset();
    });
    for (const at of $range(0, all.length - 1)) {
      findings.figure(all[at].figure, values[2 * at + 1] - values[2 * at], "ns", all[at].reach);
    }
    watch.report(findings, "logic.trace_aborts");
  },
};
