// SPDX-License-Identifier: GPL-2.0-only
// The router's program is replaced while traffic flows, as by an upgrade of its package: both tunnels are silent for no
// longer than when it is killed and started again.

import { sleepMs } from "../clock";
import { spisOf } from "../libreswan";
import type { Scenario } from "../scenario";
import { measureTraffic, startTraffic, stopTraffic } from "../traffic";
import { endLab, judgeTraffic, type Lab, startTunnels, UNDISTURBED_PERCENT } from "../tunnels";

const BEFORE_MS = 1000;
const AFTER_MS = 1500;

/** By what a restart costs: besides, files are written. Two restarts differ by as much on a busy machine. */
function mostGapMs(restartMs: number): number {
  return 1.5 * restartMs + 1000;
}

/** Each client's longest time without an answer while something is done. */
function gapsOver(lab: Lab, disturb: () => void): number[] {
  const traffic = startTraffic(lab.topology);
  sleepMs(BEFORE_MS);
  disturb();
  sleepMs(AFTER_MS);
  return stopTraffic(traffic).map(({ longestSilenceMs }) => longestSilenceMs);
}

export const packageUpgrade: Scenario = {
  name: "package-upgrade",
  explanation:
    "vpnmasq is stopped under traffic, its files are replaced and it is started, as by an upgrade of its package; then it is killed and started again: both tunnels go on with the same SPIs, and the gaps are compared.",
  run: (findings) => {
    const lab = startTunnels(findings, 2, { version: 2 });
    const before = lab.topology.clients.map((client) => spisOf(client)?.incoming);
    const upgradeGaps = gapsOver(lab, () => {
      lab.router.upgrade();
    });
    findings.progress("vpnmasq replaced under traffic");
    const restartGaps = gapsOver(lab, () => {
      lab.router.kill();
      lab.router.restart();
    });
    findings.progress("vpnmasq killed under traffic and started again");
    for (const [index, gap] of upgradeGaps.entries()) {
      const restartGap = restartGaps[index];
      findings.figure(`client_${index + 1}_restart_gap`, restartGap, "ms");
      findings.atMost(`client_${index + 1}_upgrade_gap`, gap, "ms", mostGapMs(restartGap));
    }
    judgeTraffic(findings, "after", measureTraffic(lab.topology, BEFORE_MS), UNDISTURBED_PERCENT);
    for (const [index, client] of lab.topology.clients.entries()) {
      findings.check(spisOf(client)?.incoming === before[index], `${client.name} had to negotiate again.`);
    }
    endLab(findings, lab);
  },
};
