// SPDX-License-Identifier: GPL-2.0-only
// The problem: behind the kernel's masquerade a second client's tunnel comes up and carries nothing.
//
// Connection tracking keys ESP by the pair of addresses alone, so the second client's packets collide with the first
// one's entry and are dropped; its IKE comes through, from another source port.

import { endCapture, startCapture } from "../capture";
import { bringUp, type IkeVersion, startIke, stopIke } from "../libreswan";
import { useStockMasquerade } from "../router";
import type { Findings, Scenario } from "../scenario";
import { buildTopology, removeTopology } from "../topology";
import { answeredPercent, measureTraffic } from "../traffic";
import { UNDISTURBED_PERCENT } from "../tunnels";

const TRAFFIC_MS = 1000;

function showProblem(findings: Findings, version: IkeVersion): void {
  const prefix = `ikev${version}`;
  const topology = buildTopology(2);
  useStockMasquerade();
  findings.progress(`IKEv${version}: network with stock masquerade, 3 libreswan daemons`);
  const ike = startIke(topology, { version });
  const capture = startCapture(topology);
  for (const client of topology.clients) {
    const { isUp, output } = bringUp(client);
    findings.progress(`IKEv${version}: ${client.name}: ${isUp ? "tunnel up" : "NO tunnel"}`);
    findings.check(isUp, `${client.name} could not negotiate IKEv${version}:\n${output}`);
  }
  const [first, second] = measureTraffic(topology, TRAFFIC_MS).map((traffic) => answeredPercent(traffic));
  findings.progress(`IKEv${version}: answered packets: client1 ${first} %, client2 ${second} %`);
  findings.atLeast(`${prefix}_client_1_answered`, first, "%", UNDISTURBED_PERCENT);
  findings.atMost(`${prefix}_client_2_answered`, second, "%", 0);
  const evidence = endCapture(capture, topology);
  findings.figure(`${prefix}_client_2_ike_source_port`, evidence.clients[1].otherPort, "UDP port at the server");
  stopIke(ike);
  removeTopology(topology);
}

export const baseline: Scenario = {
  name: "baseline",
  explanation:
    "The problem: stock Linux masquerade, two clients, IKEv2 and IKEv1. Both negotiate; client 2's tunnel carries nothing. Ok means that this was seen.",
  run: (findings) => {
    showProblem(findings, 2);
    showProblem(findings, 1);
    findings.note("Expected: the kernel tracks ESP by addresses only, so client 2's packets are dropped.");
  },
};
