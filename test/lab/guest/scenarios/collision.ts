// SPDX-License-Identifier: GPL-2.0-only
// Two clients whose incoming SPIs are equal: the NAT cannot tell from the SPI whom an answer is for.
//
// SPIs are chosen at random, so the SAs are set by hand. A Linux server refuses a second SA of the same address and SPI;
// here each has a mark of its own, and what the server sends to client n carries mark n (the sockets set it, ICMP
// echoes reflect it).

import { startVpnmasq, askVpnmasq, stopVpnmasq } from "../router";
import type { Findings, Scenario } from "../scenario";
import { must } from "../shell";
import {
  buildTopology,
  type Client,
  removeTopology,
  SERVER,
  SERVER_ADDRESS,
  SERVER_INNER_SUBNET,
  type Topology,
  WAN_ADDRESS,
} from "../topology";
import { measureTraffic } from "../traffic";
import { judgeTraffic, UNDISTURBED_PERCENT } from "../tunnels";

const INCOMING_SPI = "0xc0111de0";
const TRAFFIC_MS = 1500;
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

function judge(findings: Findings, topology: Topology): void {
  judgeTraffic(findings, "static", measureTraffic(topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
  findings.exhibit(askVpnmasq("table esp"));
}

export const collision: Scenario = {
  name: "collision",
  explanation:
    "Two clients happen to have the same incoming SPI (static SAs): vpnmasq notices that it runs in two series and both tunnels carry traffic.",
  run: (findings) => {
    const topology = buildTopology(2);
    const router = startVpnmasq();
    installStates(topology);
    findings.progress(`network and vpnmasq; both clients receive on SPI ${INCOMING_SPI}`);
    judge(findings, topology);
    stopVpnmasq(router);
    removeTopology(topology);
  },
};
