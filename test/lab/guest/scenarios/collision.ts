// SPDX-License-Identifier: GPL-2.0-only
// Two clients whose incoming SPIs are equal: the NAT cannot tell from the SPI whom an answer is for.
//
// First with static SAs, for vpnmasq's own remedy (copies to both). SPIs are chosen at random, so the SAs are set by hand. A Linux server refuses a second SA of the same address and SPI;
// here each has a mark of its own, and what the server sends to client n carries mark n (the sockets set it, ICMP
// echoes reflect it).
//
// Then with real IKE and VPN Masquerade as published, for the watchdog's: a rekey. Daemons choose SPIs at random and a
// Linux server refuses equal ones, so client 2's incoming SPI is changed to client 1's on its way from the server to the
// router, and back at client 2: between, the two are as equal as chance could make them.

import { sleepMs } from "../clock";
import { spisOf } from "../libreswan";
import { type Router, startRouter } from "../router";
import type { Findings, Scenario } from "../scenario";
import { must } from "../shell";
import {
  buildTopology,
  type Client,
  INTERNET,
  removeTopology,
  SERVER,
  SERVER_ADDRESS,
  SERVER_INNER_SUBNET,
  type Topology,
  WAN_ADDRESS,
} from "../topology";
import { backAfterMs, measureTraffic, startTraffic, stopTraffic } from "../traffic";
import { judgeTraffic, UNDISTURBED_PERCENT } from "../tunnels";
import { endRun, QUICK_ENDPOINT, type Run, startRun, WITH_CLIENTS, withIkeV1, WITHOUT } from "../watched-lab";
import { explainTunnel } from "../watchdogs";

const INCOMING_SPI = "0xc0111de0";
const TRAFFIC_MS = 1500;
/** The router's limits.relearn_ms, and some: before, it holds a few packets of each and watches which SPIs are in use. */
const RELEARN_MS = 500;
const KEY_BASE = "0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd";

/** AES-GCM with a 256-bit key and 32-bit salt; each client and direction has its own. */
function algorithm(client: Client, direction: number): string {
  return `aead 'rfc4106(gcm(aes))' ${KEY_BASE}${string.format("%02x%08x", direction, client.number)} 128`;
}

function outgoingSpi(client: Client): string {
  return string.format("0x%08x", 0x1000 + client.number);
}

function state(source: string, destination: string, spi: string, client: Client, rest: string): string {
  return `xfrm state add src ${source} dst ${destination} proto esp spi ${spi} reqid ${client.number} mode tunnel ${rest}`;
}

function policy(direction: string, outer: readonly [string, string], inner: readonly [string, string], client: Client) {
  return (
    `xfrm policy add src ${inner[0]} dst ${inner[1]} dir ${direction} ` +
    `tmpl src ${outer[0]} dst ${outer[1]} proto esp reqid ${client.number} mode tunnel`
  );
}

function clientLines(client: Client): string[] {
  const inner = `${client.innerAddress}/32`;
  return [
    state(client.address, SERVER_ADDRESS, outgoingSpi(client), client, algorithm(client, 1)),
    state(SERVER_ADDRESS, client.address, INCOMING_SPI, client, algorithm(client, 2)),
    policy("out", [client.address, SERVER_ADDRESS], [inner, SERVER_INNER_SUBNET], client),
    policy("in", [SERVER_ADDRESS, client.address], [SERVER_INNER_SUBNET, inner], client),
  ];
}

function serverLines(client: Client): string[] {
  const inner = `${client.innerAddress}/32`;
  const mark = `mark ${client.number} mask 0xffffffff`;
  return [
    state(WAN_ADDRESS, SERVER_ADDRESS, outgoingSpi(client), client, algorithm(client, 1)),
    state(SERVER_ADDRESS, WAN_ADDRESS, INCOMING_SPI, client, `${algorithm(client, 2)} ${mark}`),
    policy("out", [SERVER_ADDRESS, WAN_ADDRESS], [SERVER_INNER_SUBNET, inner], client).replace(
      " tmpl",
      ` ${mark} tmpl`,
    ),
    policy("in", [WAN_ADDRESS, SERVER_ADDRESS], [inner, SERVER_INNER_SUBNET], client),
  ];
}

function installStates(topology: Topology): void {
  for (const client of topology.clients) {
    must(`ip -n ${client.name} -b -`, clientLines(client).join("\n"));
    must(`ip -n ${SERVER} -b -`, serverLines(client).join("\n"));
  }
}

function judge(findings: Findings, topology: Topology, router: Router): void {
  judgeTraffic(findings, "static", measureTraffic(topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
  findings.exhibit(router.ask("table esp"));
}

/** Changes the SPI of ESP packets that a device sends ("egress") or receives ("ingress"). */
function changeSpi(node: string, device: string, direction: "ingress" | "egress", from: string, to: string): void {
  // Behind 20 bytes of IP header. The SPI is in no checksum.
  const match = `match ip protocol 50 0xff match u32 0x${from} 0xffffffff at 20`;
  must(
    `tc -n ${node} qdisc add dev ${device} clsact && tc -n ${node} filter add dev ${device} ${direction} ` +
      `protocol ip u32 ${match} action pedit munge offset 20 u32 set 0x${to}`,
  );
}

/** Idle time, a row of the pings of QUICK_ENDPOINT (3.25 s), a rekey by libreswan (1.2 s, measured) and its ping. */
const RECOVERY_MS_MAX = 6000;
const WATCH_MS = 8000;

function collideOnWire(findings: Findings, run: Run): void {
  const lab = startRun(findings, run, { clientCount: 2, endpoint: QUICK_ENDPOINT });
  const [first, second] = lab.topology.clients;
  const [kept, changed] = [spisOf(first)!.incoming, spisOf(second)!.incoming];
  const traffic = startTraffic(lab.topology);
  sleepMs(500);
  changeSpi(second.name, "eth0", "ingress", kept, changed);
  changeSpi(INTERNET, "near", "egress", changed, kept);
  const eventMs = lab.timeLine.mark(`both clients receive on SPI 0x${kept} from now on`);
  sleepMs(run.isProtected ? WATCH_MS : WATCH_MS / 2);
  const [one, other] = stopTraffic(traffic).map((result) => backAfterMs(result, eventMs));
  if (run.isProtected) {
    findings.atMost(`${run.name}_client1_works_after`, one, "ms", RECOVERY_MS_MAX);
    findings.atMost(`${run.name}_client2_works_after`, other, "ms", RECOVERY_MS_MAX);
    findings.check(spisOf(second)!.incoming !== changed, "client2 works on the SPI that collides.");
    const by = explainTunnel(lab.watchdogs[1], second.name).last_recovery?.by;
    findings.check(by === "rekey", `client2 recovered by ${by ?? "nothing"}, not by a rekey.`);
    lab.timeLine.at(eventMs + other, "client2 works, on another SPI");
  } else {
    findings.check(other === math.huge, "client2 works without anybody's help.");
    lab.timeLine.mark("client2 is dead: client1 gets all that comes in");
  }
  endRun(findings, lab);
}

export const collision: Scenario = {
  name: "collision",
  explanation:
    "Two clients happen to have the same incoming SPI (static SAs): vpnmasq notices that it runs in two series and both tunnels carry traffic. The same on the wire between real daemons: a rekey by the watchdog ends it.",
  run: (findings) => {
    const topology = buildTopology(2);
    const router = startRouter();
    installStates(topology);
    sleepMs(RELEARN_MS);
    findings.progress(`network and vpnmasq; both clients receive on SPI ${INCOMING_SPI}`);
    judge(findings, topology, router);
    router.stop();
    removeTopology(topology);
    for (const run of [WITHOUT, WITH_CLIENTS, withIkeV1(WITH_CLIENTS)]) collideOnWire(findings, run);
  },
};
