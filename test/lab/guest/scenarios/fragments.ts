// SPDX-License-Identifier: GPL-2.0-only
// Packets too long for the path: IKE and ESP in pieces, both ways, and "fragmentation needed" for the right client.
//
// The internet passes on less than the links at both ends carry, and each client has an edge router that does the same,
// so pieces arrive at the router from both sides. First the path is narrower than IKE's first message; then it is wider
// and the clients forget it, so that long ESP packets leave them whole and are cut on the way.

import { type Capture, endCapture, startCapture, type WireEvidence } from "../capture";
import type { Findings, Scenario } from "../scenario";
import { must, run } from "../shell";
import {
  type Client,
  LINK_MTU_BYTES,
  narrowEdges,
  narrowInternet,
  SERVER_ADDRESS,
  SERVER_INNER_ADDRESS,
  type Topology,
} from "../topology";
import { bringAllUp, endLab, judgeWire, startLab } from "../tunnels";

/** Shorter than the first message of IKEv2 as libreswan sends it (over 800 bytes). */
const IKE_PATH_MTU_BYTES = 600;
const ESP_PATH_MTU_BYTES = 1000;
/** Fits a 1500-byte link after ESP's overhead, in one piece. */
const LONG_PING_BYTES = 1300;
const PINGS = 5;

/** Pings through the tunnel. @returns how many were answered. */
function ping(client: Client, payloadBytes: number, mayFragment: boolean): number {
  const { output } = run(
    `ip netns exec ${client.name} ping -q -n -c ${PINGS} -i 0.1 -W 1 -s ${payloadBytes} ` +
      `-M ${mayFragment ? "dont" : "do"} -I ${client.innerAddress} ${SERVER_INNER_ADDRESS}`,
  );
  const [answered] = string.match(output, "(%d+) received");
  return tonumber(answered) ?? 0;
}

/** What the client's kernel has learned about the path to the server; 0 when it has learned nothing. */
function learnedPathMtu(client: Client): number {
  const [mtu] = string.match(must(`ip -n ${client.name} route get ${SERVER_ADDRESS}`), "mtu (%d+)");
  return tonumber(mtu) ?? 0;
}

function forgetPathMtu(topology: Topology): void {
  for (const client of topology.clients) must(`ip -n ${client.name} route flush cache`);
  must(`ip -n server route flush cache`);
}

function judgeIkePieces(findings: Findings, evidence: WireEvidence): void {
  findings.atLeast("ike_pieces_at_server", evidence.fragments.ikeAtServer, "fragments", 2);
}

function judgeEspPieces(findings: Findings, capture: Capture, topology: Topology): void {
  for (const client of topology.clients) {
    const answered = ping(client, LONG_PING_BYTES, true);
    findings.atLeast(`client_${client.number}_long_pings_answered`, answered, `of ${PINGS}`, PINGS);
  }
  const { fragments } = endCapture(capture, topology);
  findings.atLeast("esp_pieces_at_server", fragments.espAtServer, "fragments", 2 * PINGS);
  findings.atLeast("esp_pieces_to_clients", fragments.espToClients, "fragments", 2 * PINGS);
}

/** One client sends what may not be cut: it, and no other, is to hear that the path is too narrow. */
function judgeFragmentationNeeded(findings: Findings, topology: Topology): void {
  const [first, second] = topology.clients;
  ping(first, LONG_PING_BYTES, false);
  findings.atLeast("client_1_learned_path_mtu", learnedPathMtu(first), "bytes", ESP_PATH_MTU_BYTES);
  findings.atMost("client_2_learned_path_mtu", learnedPathMtu(second), "bytes", 0);
}

export const fragments: Scenario = {
  name: "fragments",
  explanation:
    "A path narrower than the packets: IKE and ESP cut into pieces in both directions come through, and ICMP fragmentation needed reaches the client it is about.",
  run: (findings) => {
    const hasEdges = true;
    const lab = startLab(findings, 2, { version: 2 }, hasEdges);
    const { topology } = lab;
    narrowInternet(IKE_PATH_MTU_BYTES);
    const ikeCapture = startCapture(topology);
    bringAllUp(findings, topology);
    for (const client of topology.clients) ping(client, 56, true);
    const evidence = endCapture(ikeCapture, topology);
    judgeWire(findings, "ikev2", evidence);
    judgeIkePieces(findings, evidence);
    narrowInternet(ESP_PATH_MTU_BYTES);
    narrowEdges(topology, ESP_PATH_MTU_BYTES);
    forgetPathMtu(topology);
    findings.progress("IKE in pieces came through; now long ESP packets");
    judgeEspPieces(findings, startCapture(topology), topology);
    forgetPathMtu(topology);
    narrowEdges(topology, LINK_MTU_BYTES);
    judgeFragmentationNeeded(findings, topology);
    endLab(findings, lab);
  },
};
