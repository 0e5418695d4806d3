// SPDX-License-Identifier: GPL-2.0-only
// What vpnmasq takes of a small board: flash, memory when idle and with full tables, and the time until it forwards.
//
// Memory is what the kernel says that the process holds (VmRSS), the rings that it shares with the kernel included.

import { monotonicMs } from "../../src/system/clock";
import { DEFAULT_LIMITS } from "../../src/masquerade/limits";
import { byteArray, create } from "../../src/system/ffi";
import { SendQueue } from "../../src/system/send-queue";
import { ethernet, ike, ipv4, putOctets } from "../spec/frame";
import { BenchRouter, OTHER_FILES, ROUTER_FILES } from "./bench-router";
import type { Measurement } from "./findings";
import { sleepMs, textOf, waitUntil } from "./programs";
import { clientAddress, ROUTER_MAC, ROUTER_WAN, serverAddress, Site } from "./site";
import { TunnelFrames } from "./tunnel-frames";

const INSTALLED_KB_MAX = 150;
const IDLE_MB_MAX = 8;
const PACKET_BYTES = 84;
/** The default limits are 4096 items and 64 of one client. */
const CLIENTS = DEFAULT_LIMITS.espItemsPerClientMax;
const ROUNDS = DEFAULT_LIMITS.espItemsMax / CLIENTS;
const SETTLE_MS = 1000;
const START_TIMEOUT_MS = 10000;
const ANSWER_TIMEOUT_MS = 2000;

function installedBytes(files: readonly string[]): number {
  return files.reduce((sum, path) => {
    const [file] = io.open(path, "r");
    if (file === undefined) error(`${path} is not there`, 0);
    const text = file.read("*a") ?? "";
    file.close();
    return sum + string.len(text);
  }, 0);
}

function residentMb(pid: number): number {
  const [kilobytes] = string.match(textOf(`/proc/${pid}/status`), "VmRSS:%s*(%d+) kB");
  return (tonumber(kilobytes)! * 1024) / 1e6;
}

/** Every client makes an epoch with every server, a client a server at a time. */
function fillEsp(site: Site): void {
  const [near, far] = [site.near.socket(), site.far.socket()];
  for (const round of $range(0, ROUNDS - 1)) {
    const common = { tunnels: CLIENTS, packetBytes: PACKET_BYTES, round };
    sendAll(site, near, new TunnelFrames({ ...common, direction: "out" }));
    sendAll(site, far, new TunnelFrames({ ...common, direction: "in", wanAddress: ROUTER_WAN }));
  }
}

function sendAll(site: Site, fd: number, frames: TunnelFrames): void {
  const queue = new SendQueue(fd, CLIENTS, undefined);
  const arrived = (): number => site.near.framesReceived() + site.far.framesReceived();
  const before = arrived();
  for (const _ of $range(1, CLIENTS)) queue.push(frames.next(), frames.frameBytes);
  queue.flush();
  if (!waitUntil(() => arrived() - before >= CLIENTS, ANSWER_TIMEOUT_MS)) error("packets were not forwarded", 0);
}

function fillIke(site: Site): void {
  const queue = new SendQueue(site.near.socket(), 1, undefined);
  for (const session of $range(0, DEFAULT_LIMITS.ikeItemsMax - 1)) {
    const initiatorCookie = string.format("%016x", session + 1);
    const carrying = ike({ initiatorCookie });
    const from = clientAddress(session & (CLIENTS - 1));
    const octets = ethernet({ to: ROUTER_MAC, payload: ipv4({ from, to: serverAddress(session >> 6), carrying }) });
    const frame = create(byteArray, octets.length);
    putOctets(octets, frame, 0);
    queue.push(frame, octets.length);
    queue.flush();
  }
}

/** From the command to the first packet that comes out at the other end. */
function startMs(site: Site): number {
  const frames = new TunnelFrames({ tunnels: 1, packetBytes: PACKET_BYTES, direction: "out" });
  const queue = new SendQueue(site.near.socket(), 1, undefined);
  const before = site.far.framesReceived();
  const fromMs = monotonicMs();
  const router = new BenchRouter(site);
  const isForwarding = (): boolean => {
    queue.push(frames.next(), frames.frameBytes);
    queue.flush();
    sleepMs(1);
    return site.far.framesReceived() > before;
  };
  if (!waitUntil(isForwarding, START_TIMEOUT_MS)) error("vpnmasq forwarded nothing", 0);
  const tookMs = monotonicMs() - fromMs;
  router.kill();
  return tookMs;
}

/** Idle, with the fast path. */
function offloadingMb(site: Site): number {
  const router = new BenchRouter(site, { settings: { offload: "auto" } });
  // It is not asked anything: answers take memory too.
  if (!waitUntil(() => router.logText().includes("offload: LAN"), START_TIMEOUT_MS)) {
    error(`no offload:\n${router.logText()}`, 0);
  }
  sleepMs(SETTLE_MS);
  const megabytes = residentMb(router.pid);
  router.kill();
  return megabytes;
}

export const footprint: Measurement = {
  name: "footprint",
  explanation:
    "What vpnmasq takes of a board: flash, memory idle and with full tables, and the time until it forwards.",
  run: (findings) => {
    findings.bound("footprint.installed", installedBytes(ROUTER_FILES) / 1000, "kB", INSTALLED_KB_MAX);
    findings.figure("footprint.installed_rest", installedBytes(OTHER_FILES) / 1000, "kB");
    const site = new Site("vpnmasq", "vpnmasq", CLIENTS);
    findings.figure("footprint.start", startMs(site), "ms");
    findings.bound("footprint.resident_offload", offloadingMb(site), "MB", IDLE_MB_MAX);
    const router = new BenchRouter(site, { limits: { ike_outstanding_ms: 120000 } });
    router.waitUntilForwarding();
    sleepMs(SETTLE_MS);
    findings.bound("footprint.resident_idle", residentMb(router.pid), "MB", IDLE_MB_MAX);
    fillEsp(site);
    fillIke(site);
    sleepMs(SETTLE_MS);
    findings.figure("footprint.resident_full", residentMb(router.pid), "MB");
    const { esp, ike: sessions } = router.status();
    if (esp.established < esp.capacity) findings.note(`only ${esp.established} of ${esp.capacity} ESP items were made`);
    if (sessions.total < sessions.capacity)
      findings.note(`only ${sessions.total} of ${sessions.capacity} IKE sessions`);
    router.kill();
  },
};
