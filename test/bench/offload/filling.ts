// SPDX-License-Identifier: GPL-2.0-only
// How soon the kernel forwards a new tunnel by itself, what an entry costs to put there, and what it costs in memory.

import { EntryMap } from "../../../src/forwarding/offload/entry-map";
import { monotonicMs } from "../../../src/system/clock";
import { Protocol } from "../../../src/wire/ipv4";
import { cpuNs, cpuNsOf } from "../cpu-time";
import type { Findings } from "../findings";
import { espBytes } from "../lookup";
import { mustHave } from "../must-have";
import { must } from "../programs";
import { median } from "../rounds";
import { LinkEnd } from "../site";
import { FIRST_PACKET_BYTES, ITEMS, type Way } from "./way";

const ENTRIES = 16384;
const UPDATE_ROUNDS = 7;
const REACH_UPDATE = "<= 3";
const BINDINGS = 101;
const REACH_BINDING = "<= 2";
/** A packet that wakes the process up costs it far more; the clock of a process that sleeps stands still. */
const WOKEN_NS = 1000;
const BINDING_TIMEOUT_MS = 1000;
const MANY = 1000000;
const DAEMON_BYTES_MAX = 64;
const ANY_ADDRESS = 0x0a000001;

function fill(map: EntryMap, count: number): void {
  for (const item of $range(0, count - 1)) {
    map.select(Protocol.Esp, ANY_ADDRESS, ANY_ADDRESS, item);
    if (!map.putTunnel(ANY_ADDRESS, 0, 0, 0)) error(`entry not put: ${map.refusal}`, 0);
  }
}

/** Microseconds to put an entry that was there, as when a tunnel's client moves. */
function updateUs(map: EntryMap): number {
  const startNs = cpuNs();
  fill(map, ENTRIES);
  return (cpuNs() - startNs) / ENTRIES / 1000;
}

function measureUpdates(findings: Findings): void {
  const map = mustHave(EntryMap.create("bench_entries", ENTRIES));
  const insertUs = updateUs(map);
  const rounds: number[] = [];
  for (const _ of $range(1, UPDATE_ROUNDS)) rounds.push(updateUs(map));
  map.close();
  findings.figure("offload.entry_insert", insertUs, "us", REACH_UPDATE);
  findings.figure("offload.entry_update", median(rounds), "us", REACH_UPDATE);
}

/** Whether the process sees an item's next packet: by the time that it has arrived, who forwarded it has worked. */
function wakes(way: Way, item: number): boolean {
  const probe = way.source({ protocol: "esp", direction: "out", packetBytes: FIRST_PACKET_BYTES, items: 2 * ITEMS });
  const beforeNs = cpuNsOf(way.router!.pid);
  const before = way.end("out").arrived();
  probe.sendInOrder(item, 1);
  if (way.awaitAll("out", before + 1) > 0) error("a tunnel's packet was not forwarded", 0);
  return cpuNsOf(way.router!.pid) - beforeNs >= WOKEN_NS;
}

/**
 * From a tunnel's very first packet to the first one that the process does not see: its way out and the answer's way in,
 * which bind it, are part of that.
 *
 * @param item whose tunnel was not there before
 */
function bindingMs(way: Way, item: number): number {
  const startMs = monotonicMs();
  if (way.establish("esp", item, 1) > 0) error("a new tunnel's packets were not forwarded", 0);
  let sentMs = monotonicMs();
  while (wakes(way, item) && sentMs - startMs < BINDING_TIMEOUT_MS) sentMs = monotonicMs();
  return sentMs - startMs;
}

/** @param control a way on which the process sees every packet, by which the probe is tried */
function measureBinding(findings: Findings, way: Way, control: Way): void {
  if (!wakes(control, 0)) error("a process that forwards a packet itself was not seen to wake up", 0);
  // Both programs that send are made ready for all of it: to do that takes longer than what is measured.
  must("ip link add ready-near type veth peer name ready-far");
  const times: number[] = [];
  const common = { protocol: "esp", packetBytes: FIRST_PACKET_BYTES, items: 2 * ITEMS } as const;
  way.source({ ...common, direction: "out" }).whileReady(() => {
    const measure = (): void => {
      for (const at of $range(0, BINDINGS - 1)) times.push(bindingMs(way, ITEMS + at));
    };
    way.source({ ...common, direction: "in" }).whileReady(measure, new LinkEnd("ready-near").index);
  });
  findings.figure("offload.binding", median(times), "ms", REACH_BINDING);
}

/** An item, and what a million entries leave behind in this process beside it: the kernel has them. */
function measureMemory(findings: Findings): void {
  const map = mustHave(EntryMap.create("bench_million", MANY));
  collectgarbage();
  const beforeKb = collectgarbage("count");
  fill(map, MANY);
  collectgarbage();
  const besideBytes = ((collectgarbage("count") - beforeKb) * 1024) / MANY;
  map.close();
  findings.bound("offload.entry_bytes_1m", espBytes(MANY) + besideBytes, "B", DAEMON_BYTES_MAX);
}

/** @param control see {@link measureBinding} */
export function measureFilling(findings: Findings, way: Way, control: Way): void {
  measureUpdates(findings);
  measureBinding(findings, way, control);
  measureMemory(findings);
}
