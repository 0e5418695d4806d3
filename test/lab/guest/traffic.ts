// SPDX-License-Identifier: GPL-2.0-only
// Traffic through the tunnels, measured: each client sends a numbered UDP packet every few milliseconds to the server's
// inner address, which sends it back. Losses and silences are read off the answers. On demand the server sends on its
// own account too, as a download does: then packets arrive from it that answer nothing.
//
// One forked process holds the sockets of all clients and of the server, so both ends share a clock and nothing else
// in the guest is kept waiting. Client n talks to port 7000+n, and the server's answers carry firewall mark n, which a
// scenario may use to choose between SAs.

import { nowMs, sleepMs } from "./clock";
import { json } from "./json";
import {
  AF_INET,
  C,
  ffi,
  inetAddress,
  type Memory,
  mustSucceed,
  O_CLOEXEC,
  POLLIN,
  type PollEntry,
  SO_MARK,
  SOCK_DGRAM_NONBLOCK,
  SOL_SOCKET,
} from "./libc";
import { inNamespace } from "./namespace";
import { readText, writeText } from "./shell";
import { type Client, SERVER, SERVER_INNER_ADDRESS, type Topology } from "./topology";

const BASE_PORT = 7000;
const INTERVAL_MS = 20;
/** How long after the last packet its answer is waited for. */
const GRACE_MS = 400;
const RESULT_FILE = "/run/traffic.json";
const INET_ADDRESS_BYTES = 16;

/** What became of one client's packets. */
export interface ClientTraffic {
  readonly sent: number;
  readonly answered: number;
  /** When the answers came, by the guest's clock. */
  readonly answersMs: readonly number[];
  /** How many packets had been sent by then. */
  readonly sentByThen: readonly number[];
  /** Between two packets. */
  readonly intervalMs: number;
  /** The longest time in which no answer came, from the first packet sent to the last. */
  readonly longestSilenceMs: number;
  /** What the server sent without being asked, and when that came. */
  readonly pushed: number;
  readonly pushesMs: readonly number[];
}

/** How packets are sent. */
export interface TrafficPattern {
  readonly intervalMs: number;
  /** The server sends on its own account, as often as the clients. */
  readonly isPushing: boolean;
}

const ECHOES: TrafficPattern = { intervalMs: INTERVAL_MS, isPushing: false };

/** Traffic that is under way. */
export interface Traffic {
  readonly pid: number;
  readonly stopPipe: number;
}

interface Flow {
  readonly clientFd: number;
  readonly serverFd: number;
  readonly clientAddress: unknown;
  sent: number;
  readonly answersMs: number[];
  readonly sentByThen: number[];
  pushed: number;
  readonly pushesMs: number[];
}

/** The number of a packet that the server sends on its own account. */
const PUSH = -1;
const payload = ffi.new("double[2]") as Memory<number>;
const PAYLOAD_BYTES = 16;
const sender = ffi.new("lab_inet_address");
const senderBytes = ffi.new("unsigned[1]") as Memory<number>;

function openSocket(namespace: string, address: string, port: number): number {
  return inNamespace(namespace, () => {
    const fd = mustSucceed(C.socket(AF_INET, SOCK_DGRAM_NONBLOCK, 0), "UDP socket");
    mustSucceed(C.bind(fd, inetAddress(address, port), INET_ADDRESS_BYTES), `bind ${address}:${port} in ${namespace}`);
    return fd;
  });
}

function openFlow(client: Client): Flow {
  const port = BASE_PORT + client.number;
  const clientFd = openSocket(client.node, client.innerAddress, port);
  const serverFd = openSocket(SERVER, SERVER_INNER_ADDRESS, port);
  C.setsockopt(serverFd, SOL_SOCKET, SO_MARK, ffi.new("int[1]", client.number), 4);
  // Connecting looks up a route and policy in the client's own namespace, which the socket remembers.
  C.connect(clientFd, inetAddress(SERVER_INNER_ADDRESS, port), INET_ADDRESS_BYTES);
  const clientAddress = inetAddress(client.innerAddress, port);
  return { clientFd, serverFd, clientAddress, sent: 0, answersMs: [], sentByThen: [], pushed: 0, pushesMs: [] };
}

function sendOn(flow: Flow): void {
  flow.sent += 1;
  payload[0] = flow.sent;
  // A tunnel that is not there refuses the packet; that counts as one without an answer.
  C.send(flow.clientFd, payload, PAYLOAD_BYTES, 0);
}

function push(flow: Flow): void {
  flow.pushed += 1;
  payload[0] = PUSH;
  C.sendto(flow.serverFd, payload, PAYLOAD_BYTES, 0, flow.clientAddress, INET_ADDRESS_BYTES);
}

function echo(flow: Flow): void {
  for (;;) {
    senderBytes[0] = INET_ADDRESS_BYTES;
    const received = tonumber(C.recvfrom(flow.serverFd, payload, PAYLOAD_BYTES, 0, sender, senderBytes))!;
    if (received < 0) return;
    C.sendto(flow.serverFd, payload, received, 0, sender, INET_ADDRESS_BYTES);
  }
}

function receiveOn(flow: Flow): void {
  while (tonumber(C.recvfrom(flow.clientFd, payload, PAYLOAD_BYTES, 0, undefined, undefined))! >= 0) {
    if (payload[0] === PUSH) flow.pushesMs.push(nowMs());
    else {
      flow.answersMs.push(nowMs());
      flow.sentByThen.push(flow.sent);
    }
  }
}

/** Passes packets until the time is reached, or until the stop pipe becomes readable; sends nothing without a pattern. */
function pump(flows: readonly Flow[], stopFd: number, pattern: TrafficPattern | undefined, untilMs: number): void {
  const isSending = pattern !== undefined;
  const entries = ffi.new("lab_poll_entry[?]", 1 + 2 * flows.length) as Memory<PollEntry>;
  entries[0].fd = isSending ? stopFd : -1;
  entries[0].events = POLLIN;
  for (const [index, flow] of flows.entries()) {
    entries[1 + 2 * index].fd = flow.clientFd;
    entries[2 + 2 * index].fd = flow.serverFd;
    entries[1 + 2 * index].events = POLLIN;
    entries[2 + 2 * index].events = POLLIN;
  }
  let nextSendMs = nowMs();
  for (let now = nextSendMs; now < untilMs && entries[0].revents === 0; now = nowMs()) {
    if (pattern !== undefined && now >= nextSendMs) {
      for (const flow of flows) sendOn(flow);
      // In the opposite order, so that no router gets right by luck which packet belongs to which.
      if (pattern.isPushing) for (const index of $range(flows.length - 1, 0, -1)) push(flows[index]);
      nextSendMs = math.max(nextSendMs + pattern.intervalMs, now);
    }
    C.poll(entries, 1 + 2 * flows.length, math.max(0, math.ceil((isSending ? nextSendMs : untilMs) - now)));
    for (const [index, flow] of flows.entries()) {
      if (entries[2 + 2 * index].revents !== 0) echo(flow);
      if (entries[1 + 2 * index].revents !== 0) receiveOn(flow);
    }
  }
}

function longestSilence(answersMs: readonly number[], startMs: number, endMs: number): number {
  let longestMs = 0;
  let previousMs = startMs;
  for (const answerMs of [...answersMs, endMs]) {
    longestMs = math.max(longestMs, answerMs - previousMs);
    previousMs = math.max(previousMs, answerMs);
  }
  return longestMs;
}

function runTraffic(flows: readonly Flow[], stopFd: number, pattern: TrafficPattern): void {
  const startMs = nowMs();
  pump(flows, stopFd, pattern, math.huge);
  const endMs = nowMs();
  pump(flows, stopFd, undefined, endMs + GRACE_MS);
  const results = flows.map((flow) => ({
    sent: flow.sent,
    answered: flow.answersMs.length,
    answersMs: flow.answersMs,
    sentByThen: flow.sentByThen,
    intervalMs: pattern.intervalMs,
    longestSilenceMs: longestSilence(flow.answersMs, startMs, endMs),
    pushed: flow.pushed,
    pushesMs: flow.pushesMs,
  }));
  writeText(RESULT_FILE, json.encode(results));
}

/** Starts traffic of every client. */
export function startTraffic(topology: Topology, pattern = ECHOES): Traffic {
  const flows = topology.clients.map((client) => openFlow(client));
  const ends = ffi.new("int[2]") as Memory<number>;
  mustSucceed(C.pipe2(ends, O_CLOEXEC), "pipe");
  const pid = mustSucceed(C.fork(), "fork");
  if (pid === 0) {
    C.close(ends[1]);
    runTraffic(flows, ends[0], pattern);
    C._exit(0);
  }
  C.close(ends[0]);
  for (const flow of flows) {
    C.close(flow.clientFd);
    C.close(flow.serverFd);
  }
  return { pid, stopPipe: ends[1] };
}

/** Ends the traffic; the results are in the clients' order. */
export function stopTraffic(traffic: Traffic): readonly ClientTraffic[] {
  C.close(traffic.stopPipe);
  C.waitpid(traffic.pid, undefined, 0);
  return json.decode(readText(RESULT_FILE)) as readonly ClientTraffic[];
}

/** Sends for a while and hands back what came of it. */
export function measureTraffic(topology: Topology, durationMs: number, pattern = ECHOES): readonly ClientTraffic[] {
  const traffic = startTraffic(topology, pattern);
  sleepMs(durationMs);
  return stopTraffic(traffic);
}

/** Answered packets of those sent, in percent. */
export function answeredPercent(traffic: ClientTraffic): number {
  return math.floor((100 * traffic.answered) / math.max(1, traffic.sent) + 0.5);
}

/** As many packets as are sent in this time, and no answer: an outage. Single ones get lost when epochs change. */
const OUTAGE_MS = 400;

/**
 * When a client's traffic flowed again for good after something had happened. Silence is counted in packets that were
 * sent meanwhile: when this machine leaves the guest no time, nothing is sent, and that is nobody's outage.
 * @returns the time since then; infinite while it does not flow
 */
export function backAfterMs({ answersMs, sentByThen, sent, intervalMs }: ClientTraffic, eventMs: number): number {
  const outagePackets = math.max(1, OUTAGE_MS / intervalMs);
  let backMs = eventMs;
  let previousSent = 0;
  for (const [index, answerMs] of answersMs.entries()) {
    if (answerMs > eventMs && sentByThen[index] - previousSent > outagePackets) backMs = answerMs;
    previousSent = sentByThen[index];
  }
  return sent - previousSent > outagePackets ? math.huge : backMs - eventMs;
}
