// SPDX-License-Identifier: GPL-2.0-only
// The router loses everything, table and snapshot: what comes in on the old SPIs has to be learned again from traffic.
//
// Both clients send at once on SPIs the new table has never seen, which is the race that VPN Masquerade can lose
// (an answer to one bound to the other), so this is run with both talking.

import { sleepMs } from "../clock";
import type { Scenario } from "../scenario";
import { measureTraffic, startTraffic, stopTraffic } from "../traffic";
import { endLab, judgeTraffic, startTunnels, UNDISTURBED_PERCENT } from "../tunnels";

const BEFORE_MS = 1000;
const AFTER_MS = 2000;
const MOST_GAP_MS = 5000;

export const natWiped: Scenario = {
  name: "nat-wiped",
  explanation:
    "vpnmasq is killed under traffic and its snapshot deleted: both tunnels are learned again from their packets, without a new negotiation.",
  isForBoards: true,
  run: (findings) => {
    const lab = startTunnels(findings, 2, { version: 2 });
    const traffic = startTraffic(lab.topology);
    sleepMs(BEFORE_MS);
    lab.router.kill();
    lab.router.wipeSnapshot();
    lab.router.restart();
    findings.progress("vpnmasq killed, its snapshot deleted, started again");
    sleepMs(AFTER_MS);
    for (const [index, result] of stopTraffic(traffic).entries()) {
      findings.atMost(`client_${index + 1}_gap`, result.longestSilenceMs, "ms", MOST_GAP_MS);
    }
    judgeTraffic(findings, "after", measureTraffic(lab.topology, BEFORE_MS), UNDISTURBED_PERCENT);
    endLab(findings, lab);
  },
};
