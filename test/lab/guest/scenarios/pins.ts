// SPDX-License-Identifier: GPL-2.0-only
// What the endpoint watchdog demands of the kernel, seen with a real IKE daemon: packets wait for an epoch and leave in
// order, data stays on the old epoch after a rekey, a dead watchdog's pins go by themselves, and nothing of it makes
// the kernel ask for SAs.
//
// The scenario holds the watchdog's pins and monitor in its own hands and says by itself what belongs where.

import { EventLoop } from "../../../../src/system/event-loop";
import { eventGroup, type Xfrm, XfrmSocket } from "../../../../src/system/xfrm";
import type { XfrmEvent } from "../../../../src/system/xfrm-message";
import { parseAddress, parsePrefix } from "../../../../src/wire/address";
import type { EpochSas, SaReport } from "../../../../src/watchdog/epoch-pairing";
import type { PinnedTunnel } from "../../../../src/watchdog/pin-policy";
import { type PinPlacement, Pins } from "../../../../src/watchdog/pins";
import { SaMonitor } from "../../../../src/watchdog/sa-monitor";
import { nowMs, sleepMs } from "../clock";
import { AF_INET, C, ffi, inetAddress, type Memory, mustSucceed, SOCK_DGRAM_NONBLOCK } from "../libc";
import { bringUp, logOf, rekeyEpoch } from "../libreswan";
import { inNamespace } from "../namespace";
import type { Findings, Scenario } from "../scenario";
import { must, run } from "../shell";
import { type Client, SERVER, SERVER_INNER_ADDRESS, SERVER_INNER_SUBNET } from "../topology";
import { type Traffic, startTraffic, stopTraffic } from "../traffic";
import { endLab, type Lab, startLab } from "../tunnels";

const AWAITED_INTERVAL_MS = 20;
const ALL_INTERVAL_MS = 1000;
const ANSWER_TIMEOUT_MS = 5000;
const SHORT_LEASE_SECONDS = 3;
/** The kernel's policy timer counts in seconds. */
const LEASE_END_MS_MAX = 1000 * (SHORT_LEASE_SECONDS + 2);
/** How long data stays on the old epoch after the new one is there, and when libreswan is about to remove it. */
const STAY_MS = 500;
const HOLD_AFTER_MS = 700;
const RELEASE_AFTER_MS = 1800;
/** XFRM_MAX_QUEUE_LEN, and one more: the kernel asks whether the queue is longer than that. */
const QUEUE_PACKETS = 101;
const HELD_PACKETS = 60;
const LOW_PORT = 7100;
const HIGH_PORT = 47100;
const INET_ADDRESS_BYTES = 16;

/** The client's side of one tunnel, with everything the kernel tells of it. */
class Watch {
  readonly loop = new EventLoop();
  readonly tunnel: PinnedTunnel;
  xfrm: XfrmSocket;
  pins: Pins;
  readonly monitor: SaMonitor;
  epochs: EpochSas[] = [];
  readonly answered = new LuaSet<number>();
  acquires = 0;

  constructor(readonly client: Client) {
    const inner = parseAddress(client.innerAddress)!;
    const selector = {
      source: { network: inner, lengthBits: 32 },
      destination: parsePrefix(SERVER_INNER_SUBNET)!,
      protocol: 0,
      sourcePort: { value: 0, mask: 0 },
      destinationPort: { value: 0, mask: 0 },
    };
    const traffic = { selectors: [selector], mark: undefined, interfaceId: 0 };
    const ping = { source: inner, target: parseAddress(SERVER_INNER_ADDRESS)! };
    this.tunnel = { name: client.name, traffic, ping };
    this.xfrm = this.follow();
    this.pins = new Pins(this.xfrm);
    this.monitor = new SaMonitor(this.xfrm, {
      isLocal: (address) => address === parseAddress(client.address),
      onReport: (report) => {
        this.hear(report);
      },
      awaitedIntervalMs: AWAITED_INTERVAL_MS,
      allIntervalMs: ALL_INTERVAL_MS,
      wallClockMs: () => os.time() * 1000,
    });
    this.monitor.start(nowMs());
  }

  place(placement: PinPlacement): void {
    const [done, problem] = this.pins.place(this.tunnel, placement, nowMs());
    if (done === undefined) error(problem, 0);
  }

  newest(): EpochSas {
    return this.epochs[this.epochs.length - 1];
  }

  /** Lets time pass, or less when the condition comes true. */
  run(durationMs: number, until: () => boolean = () => false): boolean {
    const endMs = nowMs() + durationMs;
    while (nowMs() < endMs) {
      if (until()) return true;
      this.loop.runOnce(5);
      this.monitor.tick(nowMs());
      this.pins.tick(nowMs());
    }
    return until();
  }

  private follow(): XfrmSocket {
    const groups = eventGroup.sa + eventGroup.expire + eventGroup.policy + eventGroup.acquire;
    const [xfrm, problem] = inNamespace(this.client.name, () =>
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

/** Numbered packets from the client to the server, and the numbers in the order in which they arrive. */
class Numbered {
  private readonly payload = ffi.new("double[1]") as Memory<number>;
  private readonly from: number;
  private readonly to: number;
  private sent = 0;

  constructor(
    client: Client,
    private readonly port: number,
  ) {
    this.from = udpSocket(client.name, client.innerAddress, port);
    this.to = udpSocket(SERVER, SERVER_INNER_ADDRESS, port);
  }

  send(count: number): void {
    for (const _ of $range(1, count)) {
      this.sent += 1;
      this.payload[0] = this.sent;
      C.sendto(this.from, this.payload, 8, 0, inetAddress(SERVER_INNER_ADDRESS, this.port), INET_ADDRESS_BYTES);
    }
  }

  arrived(): number[] {
    const numbers: number[] = [];
    while (tonumber(C.recvfrom(this.to, this.payload, 8, 0, undefined, undefined))! >= 0) numbers.push(this.payload[0]);
    return numbers;
  }

  close(): void {
    C.close(this.from);
    C.close(this.to);
  }
}

function udpSocket(namespace: string, address: string, port: number): number {
  return inNamespace(namespace, () => {
    const fd = mustSucceed(C.socket(AF_INET, SOCK_DGRAM_NONBLOCK, 0), "UDP socket");
    mustSucceed(C.bind(fd, inetAddress(address, port), INET_ADDRESS_BYTES), `bind ${address}:${port}`);
    return fd;
  });
}

function isInOrder(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]);
}

/** Does something that takes its time in a process of its own. */
function inBackground(action: () => void): void {
  const pid = mustSucceed(C.fork(), "fork");
  if (pid !== 0) return;
  action();
  C._exit(0);
}

function packetsOn(xfrm: Xfrm, epoch: EpochSas): number {
  const id = { destination: epoch.peers.peer, spi: epoch.outSpi, protocol: 50, mark: undefined };
  const [sa] = xfrm.sa(id);
  return sa === undefined || sa === "absent" ? -1 : sa.packets;
}

function ping(watch: Watch): void {
  const { name, innerAddress } = watch.client;
  inBackground(() => {
    run(`ip netns exec ${name} ping -q -c 1 -W 2 -I ${innerAddress} ${SERVER_INNER_ADDRESS}`);
  });
}

/** Before there is a tunnel, until its first epoch has answered a ping. */
function firstEpoch(findings: Findings, watch: Watch): void {
  const flows = [new Numbered(watch.client, LOW_PORT), new Numbered(watch.client, HIGH_PORT)];
  watch.place({ data: "hold", ping: undefined });
  for (const flow of flows) flow.send(HELD_PACKETS);
  inBackground(() => bringUp(watch.client));
  const isUp = watch.run(ANSWER_TIMEOUT_MS, () => watch.epochs.length > 0);
  findings.check(isUp, `no epoch appeared:\n${logOf(watch.client.name, 5)}`);
  if (!isUp) return;
  const epoch = watch.newest();
  watch.place({ data: "hold", ping: epoch });
  watch.monitor.awaitOn([epoch.inSpi]);
  watch.run(200);
  findings.atMost("first_epoch_packets_before_ping", packetsOn(watch.xfrm, epoch), "packets", 0);
  ping(watch);
  const isAnswered = watch.run(ANSWER_TIMEOUT_MS, () => watch.answered.has(epoch.inSpi));
  findings.check(isAnswered, "the ping on the first epoch was not answered");
  findings.atMost("first_epoch_packets_before_release", packetsOn(watch.xfrm, epoch), "packets", 1);
  watch.place({ data: epoch, ping: undefined });
  watch.run(200);
  for (const [index, flow] of flows.entries()) {
    const numbers = flow.arrived();
    findings.atLeast(`first_epoch_flow_${index + 1}_arrived`, numbers.length, "packets", HELD_PACKETS);
    findings.check(isInOrder(numbers), `held packets of flow ${index + 1} arrived out of order`);
    flow.close();
  }
  const counts = watch.pins.countsOf(watch.tunnel.name)!;
  findings.figure("first_epoch_released", counts.released, "packets");
  findings.figure("first_epoch_held", counts.heldMs, "ms");
}

/** More than the queue takes: the first stay, in order, and what comes later is lost. */
function fullQueue(findings: Findings, watch: Watch): void {
  const flow = new Numbered(watch.client, LOW_PORT);
  watch.place({ data: "hold", ping: undefined });
  flow.send(QUEUE_PACKETS + 50);
  watch.run(500);
  watch.place({ data: watch.newest(), ping: undefined });
  watch.run(200);
  const numbers = flow.arrived();
  findings.atLeast("full_queue_arrived", numbers.length, "packets", 100);
  findings.check(isInOrder(numbers) && numbers[numbers.length - 1] === numbers.length, "others than the first arrived");
  flow.close();
}

/** Holding for longer than a larval SA lives. */
function longHold(findings: Findings, watch: Watch): void {
  const flow = new Numbered(watch.client, LOW_PORT);
  const acquires = watch.acquires;
  watch.place({ data: "hold", ping: undefined });
  flow.send(10);
  watch.run(35_000);
  watch.place({ data: watch.newest(), ping: undefined });
  watch.run(200);
  findings.atLeast("long_hold_arrived", flow.arrived().length, "packets", 10);
  findings.atMost("long_hold_acquires", watch.acquires - acquires, "acquires", 0);
  flow.close();
}

function rekeyed(findings: Findings, watch: Watch): EpochSas {
  const before = watch.newest();
  inBackground(() => {
    rekeyEpoch(watch.client, 2);
  });
  findings.check(
    watch.run(ANSWER_TIMEOUT_MS, () => watch.newest() !== before),
    "the rekey made no epoch",
  );
  return watch.newest();
}

function judge(findings: Findings, name: string, traffic: Traffic): void {
  const [result] = stopTraffic(traffic);
  findings.atMost(`${name}_lost`, result.sent - result.answered, "packets", 1);
  findings.figure(`${name}_silence`, result.longestSilenceMs, "ms");
}

/** Data stays on the old epoch until it is moved. */
function stay(findings: Findings, watch: Watch, lab: Lab): void {
  const traffic = startTraffic(lab.topology);
  watch.run(200);
  const old = watch.newest();
  const fresh = rekeyed(findings, watch);
  const oldPackets = packetsOn(watch.xfrm, old);
  watch.place({ data: old, ping: fresh });
  watch.run(STAY_MS);
  findings.atLeast("stay_on_old", packetsOn(watch.xfrm, old) - oldPackets, "packets", 15);
  findings.atMost("stay_on_new", packetsOn(watch.xfrm, fresh), "packets", 0);
  watch.place({ data: fresh, ping: undefined });
  watch.run(1500);
  findings.atLeast("stay_moved", packetsOn(watch.xfrm, fresh), "packets", 50);
  judge(findings, "stay", traffic);
}

/** Data is held before the daemon removes the old epoch, and released long after. */
function holdInTime(findings: Findings, watch: Watch, lab: Lab): void {
  const traffic = startTraffic(lab.topology);
  watch.run(200);
  const old = watch.newest();
  const fresh = rekeyed(findings, watch);
  watch.place({ data: old, ping: fresh });
  watch.run(HOLD_AFTER_MS);
  watch.place({ data: "hold", ping: fresh });
  watch.run(RELEASE_AFTER_MS - HOLD_AFTER_MS);
  findings.check(!watch.epochs.includes(old), "the daemon has not removed the old epoch");
  findings.atMost("held_on_new", packetsOn(watch.xfrm, fresh), "packets", 0);
  watch.place({ data: fresh, ping: undefined });
  watch.run(500);
  judge(findings, "held", traffic);
}

/** Nobody moves the data: it is held when the kernel tells that the old epoch is gone. */
function holdLate(findings: Findings, watch: Watch, lab: Lab): void {
  const acquires = watch.acquires;
  const traffic = startTraffic(lab.topology);
  watch.run(200);
  const old = watch.newest();
  const fresh = rekeyed(findings, watch);
  watch.place({ data: old, ping: fresh });
  watch.run(RELEASE_AFTER_MS);
  findings.check(!watch.epochs.includes(old), "the daemon has not removed the old epoch");
  findings.atMost("late_on_new", packetsOn(watch.xfrm, fresh), "packets", 0);
  watch.place({ data: fresh, ping: undefined });
  watch.run(500);
  findings.figure("late_acquires", watch.acquires - acquires, "acquires");
  judge(findings, "late", traffic);
}

/** The watchdog dies while it holds; then another adopts what a third has left. */
function leases(findings: Findings, watch: Watch): void {
  const flow = new Numbered(watch.client, LOW_PORT);
  watch.pins.close();
  inNamespace(watch.client.name, () => watch.pins.start(nowMs()));
  const dead = new Pins(watch.xfrm, SHORT_LEASE_SECONDS);
  dead.place(watch.tunnel, { data: "hold", ping: undefined }, nowMs());
  const startMs = nowMs();
  let freedMs: number | undefined;
  while (freedMs === undefined && nowMs() - startMs < 2 * LEASE_END_MS_MAX) {
    flow.send(1);
    sleepMs(50);
    if (flow.arrived().length > 0) freedMs = nowMs() - startMs;
  }
  findings.atMost("lease_freed_after", freedMs ?? math.huge, "ms", LEASE_END_MS_MAX);
  flow.close();
}

function adoption(findings: Findings, watch: Watch): void {
  const before = new Pins(watch.xfrm);
  const epoch = watch.newest();
  before.place(watch.tunnel, { data: epoch, ping: epoch }, nowMs());
  watch.pins = new Pins(watch.xfrm);
  inNamespace(watch.client.name, () => watch.pins.start(nowMs()));
  watch.place({ data: epoch, ping: undefined });
  const out = must(`ip -n ${watch.client.name} xfrm policy list dir out`);
  const [, pins] = string.gsub(out, "priority 1000", "");
  const [, pings] = string.gsub(out, "priority 900", "");
  findings.atMost("adopted_data_pins", pins, "policies", 2);
  findings.atLeast("adopted_data_pins_kept", pins, "policies", 2);
  findings.atMost("adopted_ping_pins", pings, "policies", 0);
  inNamespace(watch.client.name, () => {
    watch.pins.close();
  });
  const left = must(`ip -n ${watch.client.name} xfrm policy list dir out`);
  findings.check(string.find(left, "priority 1000")[0] === undefined, `a pin was left behind:\n${left}`);
}

export const pins: Scenario = {
  name: "pins",
  explanation:
    "The watchdog's pins in the kernel: a first epoch's data is held and leaves in order, a rekey leaves data on the old epoch, leases end, nothing provokes a negotiation.",
  run: (findings) => {
    const lab = startLab(findings, 1, { version: 2 });
    const [client] = lab.topology.clients;
    const watch = new Watch(client);
    const [started, problem] = inNamespace(client.name, () => watch.pins.start(nowMs()));
    if (started === undefined) error(problem, 0);
    const steps: [string, () => void][] = [
      ["first epoch", () => { firstEpoch(findings, watch); }],
      ["full queue", () => { fullQueue(findings, watch); }],
      ["data stays", () => { stay(findings, watch, lab); }],
      ["held in time", () => { holdInTime(findings, watch, lab); }],
    ];
    for (const [name, step] of steps) {
      step();
      findings.progress(`${name}: ${findings.failures} failures, ${watch.acquires} acquires`);
    }
    longHold(findings, watch);
    findings.atMost("acquires", watch.acquires, "acquires", 0);
    holdLate(findings, watch, lab);
    findings.progress(`held late: ${watch.acquires} acquires`);
    leases(findings, watch);
    adoption(findings, watch);
    findings.exhibit(logOf(client.name, 40));
    watch.xfrm.close();
    endLab(findings, lab);
  },
};
