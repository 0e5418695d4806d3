// SPDX-License-Identifier: GPL-2.0-only
// What vpnmasq adds to a round trip: an ESP packet out and its answer back, one at a time, against kernel forwarding.
//
// Both ends are this process. It looks for the packet without sleeping, so that waking it up is no part of the result;
// waking up the router is, as in real life. The answer leaves as soon as the packet is there.

import { monotonicMs } from "../../src/system/clock";
import { Compiler } from "../../src/system/compiler";
import { byteArray, type BytePtr, create, declareC } from "../../src/system/ffi";
import { ETH_P_ALL, packetOption, setPacketOption } from "../../src/system/link-address";
import { processId } from "../../src/system/process";
import { BenchRouter } from "./bench-router";
import type { Measurement } from "./findings";
import { run, sleepMs } from "./programs";
import { percentile } from "./rounds";
import { mustHave } from "./must-have";
import { type LinkEnd, ROUTER_WAN, Site } from "./site";
import { TunnelFrames } from "./tunnel-frames";

/** @noSelf */
interface SocketLibrary {
  send(fd: number, frame: BytePtr, lengthBytes: number, flags: number): number;
  recv(fd: number, into: BytePtr, lengthBytes: number, flags: number): number;
}

const C = declareC<SocketLibrary>(`
  ssize_t send(int fd, const void *frame, size_t length, int flags);
  ssize_t recv(int fd, void *into, size_t length, int flags);
`);

const MSG_DONTWAIT = 0x40;
const PACKET_BYTES = 84; // as of a ping through a tunnel
const TRIPS = 400;
const ROUNDS = 5;
const WARM_UP_TRIPS = 500;
/** Between two trips, so that the router sleeps, as it does between pings. */
const PAUSE_MS = 0.2;
const LOST_MS = 50;
const REACH_ADDED = "<= 50";

/** One end of the tunnel: sends frames, and waits for those that arrive. */
class Peer {
  private readonly fd: number;
  private readonly buffer = create(byteArray, 2048);

  constructor(
    end: LinkEnd,
    private readonly frames: TunnelFrames,
  ) {
    this.fd = end.socket(ETH_P_ALL);
    mustHave(setPacketOption(this.fd, packetOption.ignoreOutgoing, 1, "sees what it sends"));
  }

  send(): void {
    C.send(this.fd, this.frames.next(), this.frames.frameBytes, 0);
  }

  /** Waits for a frame of the expected size; the kernel sends some of its own. */
  await(): boolean {
    const startMs = monotonicMs();
    while (monotonicMs() - startMs < LOST_MS) {
      const bytes = tonumber(C.recv(this.fd, this.buffer, 2048, MSG_DONTWAIT))!;
      if (bytes === this.frames.frameBytes) return true;
    }
    return false;
  }
}

/** A tunnel between two peers through a site. */
class Tunnel {
  readonly tripsMs: number[] = [];
  private readonly client: Peer;
  private readonly server: Peer;

  constructor(site: Site, wanAddress?: string) {
    const common = { tunnels: 1, packetBytes: PACKET_BYTES };
    const answer = wanAddress === undefined ? {} : { wanAddress };
    this.client = new Peer(site.near, new TunnelFrames({ ...common, direction: "out" }));
    this.server = new Peer(site.far, new TunnelFrames({ ...common, ...answer, direction: "in" }));
  }

  /** One packet and its answer; the time both took, or undefined when one was lost. */
  trip(): number | undefined {
    const startMs = monotonicMs();
    this.client.send();
    if (!this.server.await()) return undefined;
    this.server.send();
    return this.client.await() ? monotonicMs() - startMs : undefined;
  }

  measure(trips: number): void {
    for (const _ of $range(1, trips)) {
      const tripMs = this.trip();
      if (tripMs !== undefined) this.tripsMs.push(tripMs);
      sleepMs(PAUSE_MS);
    }
  }
}

export const roundTrip: Measurement = {
  name: "round-trip",
  explanation: "An ESP packet and its answer, one at a time: what vpnmasq adds to the kernel's forwarding.",
  run: (findings) => {
    // As in real life: to wake up a process with a real-time priority takes longer.
    run(`chrt --other --pid 0 ${processId()}`);
    new Compiler().start();
    const site = new Site("vpnmasq", "vpnmasq", 1);
    const router = new BenchRouter(site);
    router.waitUntilReady();
    const kernel = new Tunnel(new Site("kernel", "kernel", 1));
    const vpnmasq = new Tunnel(site, ROUTER_WAN);
    for (const tunnel of [kernel, vpnmasq]) {
      tunnel.measure(WARM_UP_TRIPS);
      if (tunnel.tripsMs.length < WARM_UP_TRIPS / 2) error("most packets were not forwarded", 0);
      tunnel.tripsMs.splice(0);
    }
    for (const _ of $range(1, ROUNDS)) for (const tunnel of [kernel, vpnmasq]) tunnel.measure(TRIPS);
    const added = (percent: number): number =>
      (percentile(vpnmasq.tripsMs, percent) - percentile(kernel.tripsMs, percent)) * 1000;
    findings.figure("round_trip.kernel", percentile(kernel.tripsMs, 50) * 1000, "us");
    findings.figure("round_trip.vpnmasq", percentile(vpnmasq.tripsMs, 50) * 1000, "us");
    findings.figure("round_trip.added", added(50), "us", REACH_ADDED);
    findings.figure("round_trip.added_p99", added(99), "us");
    const lost = 2 * ROUNDS * TRIPS - kernel.tripsMs.length - vpnmasq.tripsMs.length;
    if (lost > 0) findings.note(`${lost} round trips were lost.`);
    router.kill();
  },
};
