// SPDX-License-Identifier: GPL-2.0-only
// What most scenarios begin with and judge in the end: every client's tunnel up through the router, carrying traffic,
// with UDP 500 at both ends and native ESP on the wire.

import type { WireEvidence } from "./capture";
import { bringUp, type IkeDaemons, type IkeOptions, logOf, startIke, stopIke } from "./libreswan";
import { type Router, startRouter } from "./router";
import type { Findings } from "./scenario";
import { buildTopology, removeTopology, type Topology } from "./topology";
import { answeredPercent, type ClientTraffic } from "./traffic";

/** Answers lost while nothing is wrong: none, but for a packet that is under way when the measurement ends. */
export const UNDISTURBED_PERCENT = 98;

/** A network with vpnmasq as its router and every client's tunnel up. */
export interface Lab {
  readonly topology: Topology;
  readonly ike: IkeDaemons;
  router: Router;
}

/** Builds the network, starts vpnmasq and the IKE daemons. */
export function startLab(findings: Findings, clientCount: number, options: IkeOptions, hasEdges = false): Lab {
  const topology = buildTopology(clientCount, hasEdges);
  const router = startRouter();
  findings.progress(`network, vpnmasq and ${clientCount + 1} libreswan daemons (IKEv${options.version})`);
  return { topology, router, ike: startIke(topology, options) };
}

/** Brings every client's tunnel up, one after another. */
export function bringAllUp(findings: Findings, topology: Topology): void {
  for (const client of topology.clients) {
    const { isUp, output } = bringUp(client);
    findings.progress(`${client.name}: ${isUp ? "tunnel up" : "NO tunnel"}`);
    findings.check(isUp, `${client.name} could not negotiate:\n${output}${logOf("server", 5)}`);
  }
}

/** As {@link startLab}, with every tunnel up. */
export function startTunnels(findings: Findings, clientCount: number, options: IkeOptions): Lab {
  const lab = startLab(findings, clientCount, options);
  bringAllUp(findings, lab.topology);
  return lab;
}

/** Stops all, so that another network can be built in the same guest. */
export function endLab(findings: Findings, lab: Lab): void {
  stopIke(lab.ike);
  lab.router.stop();
  removeTopology(lab.topology);
  if (findings.failures > 0) findings.exhibit(`vpnmasq's log:\n${lab.router.log()}`);
}

/** Records what share of each client's packets was answered. */
export function judgeTraffic(
  findings: Findings,
  prefix: string,
  results: readonly ClientTraffic[],
  leastPercent: number,
): void {
  for (const [index, traffic] of results.entries()) {
    findings.atLeast(`${prefix}_client_${index + 1}_answered`, answeredPercent(traffic), "%", leastPercent);
  }
}

/** Records that each client's IKE reached the server from UDP 500 only, and that its ESP was native. */
export function judgeWire(findings: Findings, prefix: string, evidence: WireEvidence): void {
  for (const seen of evidence.clients) {
    const name = `${prefix}_client_${seen.client.number}`;
    findings.atLeast(`${name}_ike_on_port_500`, seen.ikeOn500, "messages", 1);
    findings.atMost(`${name}_ike_on_other_ports`, seen.ikeElsewhere, "messages", 0);
    findings.atLeast(`${name}_esp_at_server`, seen.esp, "packets", 1);
  }
  findings.atMost(`${prefix}_nat_traversal`, evidence.natTraversal, "packets", 0);
}
