// SPDX-License-Identifier: GPL-2.0-only
// The router dies without warning while traffic flows, and is started again: its snapshot keeps both tunnels.

import { sleepMs } from "../clock";
import { spisOf } from "../libreswan";
import type { Scenario } from "../scenario";
import { measureTraffic, startTraffic, stopTraffic } from "../traffic";
import { endLab, judgeTraffic, startTunnels, UNDISTURBED_PERCENT } from "../tunnels";

const BEFORE_MS = 1000;
const AFTER_MS = 1500;
/** A board may take this long to start the program again; a tunnel must not notice more. */
const MOST_GAP_MS = 2000;

export const routerKilled: Scenario = {
  name: "router-killed",
  explanation:
    "kill -9 of vpnmasq under traffic, then a restart: both tunnels go on with the same SPIs, and the gap is measured.",
  run: (findings) => {
    const lab = startTunnels(findings, 2, { version: 2 });
    const before = lab.topology.clients.map((client) => spisOf(client)?.incoming);
    const traffic = startTraffic(lab.topology);
    sleepMs(BEFORE_MS);
    lab.router.kill();
    lab.router.restart();
    findings.progress("vpnmasq killed (kill -9) under traffic and started again");
    sleepMs(AFTER_MS);
    findings.exhibit(lab.router.ask("table"));
    for (const [index, result] of stopTraffic(traffic).entries()) {
      findings.atMost(`client_${index + 1}_gap`, result.longestSilenceMs, "ms", MOST_GAP_MS);
    }
    judgeTraffic(findings, "after", measureTraffic(lab.topology, BEFORE_MS), UNDISTURBED_PERCENT);
    const after = lab.topology.clients.map((client) => spisOf(client)?.incoming);
    for (const [index, spi] of before.entries()) {
      findings.check(spi === after[index], `client${index + 1} had to negotiate again.`);
    }
    endLab(findings, lab);
  },
};
