// SPDX-License-Identifier: GPL-2.0-only
// New epochs and new IKE SAs under traffic: the table learns them while the old ones still carry packets.
//
// A status of 0 from the daemon proves nothing, least of all for IKEv1; a rekey counts when the client's SPIs (or, for
// the IKE SA, the cookies on its link) are new ones.

import { endCapture, startCapture, type WireEvidence } from "../capture";
import { waitUntil } from "../clock";
import { type IkeVersion, rekeyEpoch, renewIke, spisOf } from "../libreswan";
import type { Findings, Scenario } from "../scenario";
import type { Client } from "../topology";
import { measureTraffic, startTraffic, stopTraffic } from "../traffic";
import { endLab, judgeTraffic, judgeWire, startTunnels, UNDISTURBED_PERCENT } from "../tunnels";

const REKEY_TIMEOUT_MS = 8000;
/** The switch from one epoch to the next may cost what was under way, no more. */
const LEAST_ANSWERED_PERCENT = 95;
const MOST_SILENCE_MS = 1000;
const AFTER_MS = 1000;
/** The first, one by the rekey, one more after the new IKE SA. */
const LEAST_EPOCHS = 3;

function rekeyAndCheck(findings: Findings, client: Client, version: IkeVersion): void {
  const before = spisOf(client);
  rekeyEpoch(client, version);
  const isNew = waitUntil(() => spisOf(client)?.outgoing !== before?.outgoing, REKEY_TIMEOUT_MS);
  findings.progress(`${client.name}: ${isNew ? "new epoch" : "NO new epoch"}`);
  findings.check(isNew, `${client.name}: the rekey gave no new SPIs.`);
}

function rekeyAll(findings: Findings, clients: readonly Client[], version: IkeVersion): void {
  for (const client of clients) rekeyAndCheck(findings, client, version);
}

function renewAll(findings: Findings, clients: readonly Client[], version: IkeVersion): void {
  for (const client of clients) renewIke(client, version);
  findings.progress(`IKEv${version}: new IKE SAs`);
  // A new IKE SA shows its cookies only when it is used.
  rekeyAll(findings, clients, version);
}

function judgeEpochs(findings: Findings, prefix: string, evidence: WireEvidence): void {
  for (const seen of evidence.clients) {
    const name = `${prefix}_client_${seen.client.number}`;
    findings.atLeast(`${name}_epochs`, seen.epochs, "outgoing SPIs", LEAST_EPOCHS);
    findings.atLeast(`${name}_ike_sas`, seen.cookies, "initiator cookies", 2);
  }
}

function rekeyUnderTraffic(findings: Findings, version: IkeVersion): void {
  const prefix = `ikev${version}`;
  const lab = startTunnels(findings, 2, { version });
  const { topology } = lab;
  const capture = startCapture(topology);
  const traffic = startTraffic(topology);
  rekeyAll(findings, topology.clients, version);
  if (version === 2) renewAll(findings, topology.clients, version);
  const results = stopTraffic(traffic);
  judgeTraffic(findings, prefix, results, LEAST_ANSWERED_PERCENT);
  for (const [index, result] of results.entries()) {
    findings.atMost(`${prefix}_client_${index + 1}_silence`, result.longestSilenceMs, "ms", MOST_SILENCE_MS);
  }
  // IKEv1 ends one session before it begins the next: a pause of its own making, so it is not judged.
  if (version === 1) renewAll(findings, topology.clients, version);
  judgeTraffic(findings, `${prefix}_after`, measureTraffic(topology, AFTER_MS), UNDISTURBED_PERCENT);
  const evidence = endCapture(capture, topology);
  judgeWire(findings, prefix, evidence);
  judgeEpochs(findings, prefix, evidence);
  endLab(findings, lab);
}

export const rekey: Scenario = {
  name: "rekey",
  explanation:
    "Both clients rekey their ESP tunnel and their IKE SA under traffic, IKEv2 and IKEv1: new SPIs and cookies are learned and traffic goes on.",
  run: (findings) => {
    rekeyUnderTraffic(findings, 2);
    rekeyUnderTraffic(findings, 1);
  },
};
