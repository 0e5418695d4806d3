// SPDX-License-Identifier: GPL-2.0-only
// What the endpoint watchdog demands of the kernel, seen with a real IKE daemon: packets wait for an epoch and leave in
// order, data stays on the old epoch after a rekey, a dead watchdog's pins go by themselves, and nothing of it makes
// the kernel ask for SAs.
//
// The scenario holds the watchdog's pins and monitor in its own hands and says by itself what belongs where.

import { PROTOCOL_ESP } from "../../../../src/system/xfrm-message";
import type { EpochSas } from "../../../../src/watchdog/epoch-pairing";
import { readOutDiscards } from "../../../../src/watchdog/hold-loss";
import { Pins } from "../../../../src/watchdog/pins";
import { nowMs, waitUntil } from "../clock";
import { endOf, EndWatch, SERVER_END } from "../end-watch";
import { bringUp, type IkeVersion, logOf, rekeyEpoch } from "../libreswan";
import { inNamespace } from "../namespace";
import { NumberedPackets } from "../numbered-packets";
import type { Findings, Scenario } from "../scenario";
import { inBackground, must, run } from "../shell";
import type { Client } from "../topology";
import { startTraffic, stopTraffic, type Traffic } from "../traffic";
import { endLab, type Lab, startLab } from "../tunnels";

const EPOCH_TIMEOUT_MS = 15_000;
const ARRIVAL_TIMEOUT_MS = 2000;
/** For whatever would go wrong at once. */
const SETTLE_MS = 300;
const SHORT_LEASE_SECONDS = 3;
/** The kernel's policy timer counts in seconds. */
const LEASE_END_MS_MAX = 1000 * (SHORT_LEASE_SECONDS + 2);
/** How long data stays on the old epoch. libreswan removes it 1 s after the new one is there (IKEv2). */
const STAY_MS = 500;
const HOLD_AFTER_MS = 700;
const RELEASE_AFTER_MS = 1800;
/** Longer than net.core.xfrm_acq_expires, 30 s. */
const LONG_HOLD_MS = 35_000;
/** XFRM_MAX_QUEUE_LEN, and one more: the kernel asks whether the queue is longer than that. */
const QUEUE_PACKETS = 101;
const HELD_PACKETS = 60;
/** More than the queue takes: what the kernel says of them is measured. */
const REFUSED_PACKETS = 50;
/** What is under way when the measurement ends. */
const LOST_PACKETS_MAX = 2;
/** In the lower and the upper half of the ports. */
const LOW_PORT = 7100;
const HIGH_PORT = 47100;

/** One flow for each half of the ports, because each pin has a queue of its own. */
function bothHalves(watch: EndWatch): NumberedPackets[] {
  return [LOW_PORT, HIGH_PORT].map((port) => new NumberedPackets(watch.near, watch.far, port));
}

/** Demands that all that was held arrives, in order. */
function judgeHeld(findings: Findings, name: string, watch: EndWatch, flows: readonly NumberedPackets[]): void {
  watch.run(ARRIVAL_TIMEOUT_MS, () => flows.every((flow) => flow.arrived() >= HELD_PACKETS));
  for (const [index, flow] of flows.entries()) {
    findings.atLeast(`${name}_flow_${index + 1}_arrived`, flow.arrived(), "packets", HELD_PACKETS);
    findings.check(flow.isInOrder(), `${name}: held packets of flow ${index + 1} arrived out of order`);
    flow.close();
  }
}

function pingFrom({ near, far }: EndWatch): void {
  inBackground(() => {
    run(`ip netns exec ${near.namespace} ping -q -c 1 -W 2 -I ${near.innerAddress} ${far.innerAddress}`);
  });
}

/** Packets that went out on an epoch. */
function packetsOn(watch: EndWatch, { peers, outSpi, mark }: EpochSas): number {
  const [sa] = watch.xfrm.sa({ destination: peers.peer, spi: outSpi, protocol: PROTOCOL_ESP, mark });
  return sa === undefined || sa === "absent" ? -1 : sa.packets;
}

/** The tunnel's newest epoch, once there is another than `before`. */
function awaitEpoch(watch: EndWatch, before: EpochSas | undefined): EpochSas {
  if (!watch.run(EPOCH_TIMEOUT_MS, () => watch.newest() !== undefined && watch.newest() !== before)) {
    error(`no new epoch appeared at ${watch.near.namespace}:\n${logOf(watch.near.namespace, 10)}`, 0);
  }
  return watch.newest()!;
}

function rekey(watch: EndWatch, client: Client, version: IkeVersion): EpochSas {
  const before = watch.newest();
  inBackground(() => {
    rekeyEpoch(client, version);
  });
  return awaitEpoch(watch, before);
}

/** Data that is sent before there is a tunnel waits until its first epoch has answered a ping. */
function holdFirstEpoch(findings: Findings, name: string, watch: EndWatch, pinging: EndWatch, client: Client): void {
  const flows = bothHalves(watch);
  watch.place({ data: "hold", ping: undefined });
  for (const flow of flows) flow.send(HELD_PACKETS);
  inBackground(() => {
    bringUp(client);
  });
  const epoch = awaitEpoch(watch, undefined);
  watch.place({ data: "hold", ping: epoch });
  watch.monitor.awaitOn([epoch.inSpi]);
  watch.run(SETTLE_MS);
  findings.atMost(`${name}_sent_before_ping`, packetsOn(watch, epoch), "packets", 0);
  pingFrom(pinging);
  const isAnswered = watch.run(EPOCH_TIMEOUT_MS, () => watch.answered.has(epoch.inSpi));
  findings.check(isAnswered, `${name}: nothing came in on the first epoch`);
  // The ping, or the answer to the other end's.
  findings.atMost(`${name}_sent_before_release`, packetsOn(watch, epoch), "packets", 1);
  watch.place({ data: epoch, ping: undefined });
  judgeHeld(findings, name, watch, flows);
  const counts = watch.pins.countsOf(watch.tunnel.name)!;
  findings.figure(`${name}_released`, counts.released, "packets");
  findings.figure(`${name}_held`, counts.heldMs, "ms");
}

/** More than the queue takes: the first stay, in order, and what comes later is lost. */
function fillQueue(findings: Findings, watch: EndWatch): void {
  const flow = new NumberedPackets(watch.near, watch.far, LOW_PORT);
  const { namespace } = watch.near;
  const discardedBefore = inNamespace(namespace, () => readOutDiscards() ?? 0);
  watch.place({ data: "hold", ping: undefined });
  flow.send(QUEUE_PACKETS + REFUSED_PACKETS);
  watch.run(SETTLE_MS);
  const discarded = inNamespace(namespace, () => readOutDiscards() ?? 0) - discardedBefore;
  findings.atLeast("full_queue_discarded_by_host", discarded, "packets", REFUSED_PACKETS);
  watch.place({ data: watch.newest()!, ping: undefined });
  watch.run(ARRIVAL_TIMEOUT_MS, () => flow.arrived() > QUEUE_PACKETS);
  const count = flow.arrived();
  findings.atLeast("full_queue_arrived", count, "packets", QUEUE_PACKETS);
  findings.check(flow.isInOrder() && flow.numbers[count - 1] === count, "others than the first packets arrived");
  flow.close();
}

/** Holding for longer than a lease and a larval SA live. */
function holdLong(findings: Findings, watch: EndWatch): void {
  const flows = bothHalves(watch);
  watch.place({ data: "hold", ping: undefined });
  for (const flow of flows) flow.send(HELD_PACKETS);
  watch.run(LONG_HOLD_MS);
  watch.place({ data: watch.newest()!, ping: undefined });
  judgeHeld(findings, "long_hold", watch, flows);
}

/** Records what traffic both ways has lost. */
function judgeTraffic(findings: Findings, name: string, traffic: Traffic): void {
  const [result] = stopTraffic(traffic);
  findings.atMost(`${name}_lost`, result.sent - result.answered, "packets", LOST_PACKETS_MAX);
  findings.figure(`${name}_silence`, result.longestSilenceMs, "ms");
}

/** After a rekey data stays on the old epoch until it is moved. */
function stayOnOld(findings: Findings, name: string, watch: EndWatch, lab: Lab, version: IkeVersion): void {
  const traffic = startTraffic(lab.topology);
  watch.run(SETTLE_MS);
  const old = watch.newest()!;
  const fresh = rekey(watch, lab.topology.clients[0], version);
  const oldPackets = packetsOn(watch, old);
  watch.place({ data: old, ping: fresh });
  watch.run(STAY_MS);
  findings.atLeast(`${name}_on_old_epoch`, packetsOn(watch, old) - oldPackets, "packets", 15);
  findings.atMost(`${name}_on_new_epoch`, packetsOn(watch, fresh), "packets", 0);
  watch.place({ data: fresh, ping: undefined });
  watch.run(RELEASE_AFTER_MS);
  findings.atLeast(`${name}_after_moving`, packetsOn(watch, fresh), "packets", 50);
  judgeTraffic(findings, name, traffic);
}

/** Data is held before the daemon removes the old epoch, and released after. */
function holdInTime(findings: Findings, watch: EndWatch, lab: Lab): void {
  const traffic = startTraffic(lab.topology);
  watch.run(SETTLE_MS);
  const old = watch.newest()!;
  const fresh = rekey(watch, lab.topology.clients[0], 2);
  watch.place({ data: old, ping: fresh });
  watch.run(HOLD_AFTER_MS);
  watch.place({ data: "hold", ping: fresh });
  watch.run(RELEASE_AFTER_MS - HOLD_AFTER_MS);
  findings.check(!watch.epochs.includes(old), "the daemon has not removed the old epoch");
  findings.atMost("held_in_time_on_new_epoch", packetsOn(watch, fresh), "packets", 0);
  watch.place({ data: fresh, ping: undefined });
  watch.run(SETTLE_MS);
  judgeTraffic(findings, "held_in_time", traffic);
}

/**
 * Nobody moves the data: it is held when the kernel tells that the old epoch is gone. A packet in between makes the
 * kernel ask the daemon, which is why one must not wait for that.
 */
function holdLate(findings: Findings, watch: EndWatch, lab: Lab): void {
  const traffic = startTraffic(lab.topology);
  watch.run(SETTLE_MS);
  const old = watch.newest()!;
  const fresh = rekey(watch, lab.topology.clients[0], 2);
  watch.place({ data: old, ping: fresh });
  watch.run(RELEASE_AFTER_MS);
  findings.check(!watch.epochs.includes(old), "the daemon has not removed the old epoch");
  findings.atMost("held_late_on_new_epoch", packetsOn(watch, fresh), "packets", 0);
  watch.place({ data: fresh, ping: undefined });
  watch.run(SETTLE_MS);
  findings.figure("held_late_acquires", watch.acquires, "acquires");
  const [result] = stopTraffic(traffic);
  findings.figure("held_late_lost", result.sent - result.answered, "packets");
}

/** The watchdog dies while it holds: the kernel ends its pins, and traffic follows the daemon's policies again. */
function endLease(findings: Findings, watch: EndWatch): void {
  const flow = new NumberedPackets(watch.near, watch.far, LOW_PORT);
  const dead = new Pins(watch.xfrm, SHORT_LEASE_SECONDS);
  dead.place(watch.tunnel, { data: "hold", ping: undefined }, nowMs());
  const startMs = nowMs();
  const isFree = waitUntil(() => {
    flow.send(1);
    return flow.arrived() > 0;
  }, 2 * LEASE_END_MS_MAX);
  findings.check(isFree, "a dead watchdog's pins did not end");
  findings.atMost("lease_ended_after", nowMs() - startMs, "ms", LEASE_END_MS_MAX);
  flow.close();
}

function pinsOf(watch: EndWatch, priority: number): number {
  const policies = must(`ip -n ${watch.near.namespace} xfrm policy list dir out`);
  const [, count] = string.gsub(policies, `priority ${priority} `, "");
  return count;
}

/** A watchdog takes over what another has left, and leaves nothing itself. */
function adopt(findings: Findings, watch: EndWatch): void {
  const epoch = watch.newest()!;
  const former = new Pins(watch.xfrm);
  former.place(watch.tunnel, { data: epoch, ping: epoch }, nowMs());
  findings.check(pinsOf(watch, 900) === 1, "the ping was not pinned");
  watch.pins = new Pins(watch.xfrm);
  watch.startPins();
  watch.place({ data: epoch, ping: undefined });
  findings.check(pinsOf(watch, 1000) === 2, "the data pins were not adopted");
  findings.check(pinsOf(watch, 900) === 0, "the ping pin was not adopted");
  inNamespace(watch.near.namespace, () => {
    watch.pins.close();
  });
  findings.check(pinsOf(watch, 1000) === 0, "a pin was left behind");
}

/** The client's pins, with a daemon that removes the old epoch a second after the new one is there. */
function pinClient(findings: Findings): void {
  const lab = startLab(findings, 1, { version: 2 });
  const [client] = lab.topology.clients;
  const watch = new EndWatch(endOf(client), SERVER_END);
  holdFirstEpoch(findings, "first_epoch", watch, watch, client);
  fillQueue(findings, watch);
  stayOnOld(findings, "ikev2_rekey", watch, lab, 2);
  holdInTime(findings, watch, lab);
  findings.progress("client, IKEv2: first epoch, full queue, rekeys");
  holdLong(findings, watch);
  findings.atMost("acquires", watch.acquires, "acquires", 0);
  findings.progress(`held for ${LONG_HOLD_MS / 1000} s`);
  holdLate(findings, watch, lab);
  watch.pins.close();
  endLease(findings, watch);
  adopt(findings, watch);
  findings.progress("late hold, lease, adoption");
  watch.close();
  endLab(findings, lab);
}

/** The server's pins, and a daemon that keeps the old epoch until it expires. */
function pinServer(findings: Findings): void {
  const lab = startLab(findings, 1, { version: 1 });
  const [client] = lab.topology.clients;
  const clientWatch = new EndWatch(endOf(client), SERVER_END);
  const watch = new EndWatch(SERVER_END, endOf(client));
  holdFirstEpoch(findings, "server_first_epoch", watch, clientWatch, client);
  stayOnOld(findings, "ikev1_rekey", watch, lab, 1);
  findings.atMost("server_acquires", watch.acquires, "acquires", 0);
  findings.progress("server, IKEv1: first epoch, rekey");
  watch.close();
  clientWatch.close();
  endLab(findings, lab);
}

export const pins: Scenario = {
  name: "pins",
  explanation:
    "The watchdog's pins in the kernel: a first epoch's data is held and leaves in order, a rekey leaves data on the old epoch, leases end, and nothing of it provokes a negotiation.",
  run: (findings) => {
    pinClient(findings);
    pinServer(findings);
  },
};
