// SPDX-License-Identifier: GPL-2.0-only
// The answer to the baseline: through vpnmasq both tunnels carry traffic, by IKEv2 and by IKEv1.

import { endCapture, startCapture } from "../capture";
import type { IkeVersion } from "../libreswan";
import type { Findings, Scenario } from "../scenario";
import { measureTraffic } from "../traffic";
import { bringAllUp, endLab, judgeTraffic, judgeWire, startLab, UNDISTURBED_PERCENT } from "../tunnels";

const TRAFFIC_MS = 1000;

function showAnswer(findings: Findings, version: IkeVersion): void {
  const prefix = `ikev${version}`;
  const lab = startLab(findings, 2, { version });
  const capture = startCapture(lab.topology);
  bringAllUp(findings, lab.topology);
  judgeTraffic(findings, prefix, measureTraffic(lab.topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
  judgeWire(findings, prefix, endCapture(capture, lab.topology));
  findings.progress(`IKEv${version}: traffic measured, packets at the server checked`);
  findings.exhibit(lab.router.ask("table"));
  endLab(findings, lab);
}

export const twoClients: Scenario = {
  name: "two-clients",
  explanation:
    "Two clients and one server through vpnmasq, IKEv2 and IKEv1: both tunnels carry traffic as native ESP, and both clients use UDP 500 at both ends.",
  isForBoards: true,
  run: (findings) => {
    showAnswer(findings, 2);
    showAnswer(findings, 1);
  },
};
