// SPDX-License-Identifier: GPL-2.0-only
// The router's public address changes while tunnels are up, as after a provider's reconnect.
//
// The server goes on answering to the old address, which nobody can mend from here; what the router owes is to use the
// new address at once, so that the clients' dead peer detection can start new IKE sessions through it.

import { nowMs, waitUntil } from "../clock";
import { endCapture, startCapture } from "../capture";
import { spisOf } from "../libreswan";
import type { Scenario } from "../scenario";
import { changeWanAddress } from "../topology";
import { measureTraffic } from "../traffic";
import { endLab, judgeTraffic, judgeWire, startTunnels, UNDISTURBED_PERCENT } from "../tunnels";

const NEW_ADDRESS = "203.0.113.77";
const DEAD_PEER_DELAY_S = 2;
const TRAFFIC_MS = 1000;
const FOLLOW_TIMEOUT_MS = 5000;
const RECOVERY_TIMEOUT_MS = 40_000;

export const wanAddressChange: Scenario = {
  name: "wan-address-change",
  explanation:
    "The router's public address changes: vpnmasq follows at once, the clients' dead peer detection builds new tunnels, and both carry traffic again.",
  run: (findings) => {
    const lab = startTunnels(findings, 2, { version: 2, deadPeerDelayS: DEAD_PEER_DELAY_S });
    const before = lab.topology.clients.map((client) => spisOf(client)?.incoming);
    judgeTraffic(findings, "before", measureTraffic(lab.topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
    changeWanAddress(NEW_ADDRESS);
    const startMs = nowMs();
    const hasFollowed = waitUntil(() => lab.router.ask("status").includes(NEW_ADDRESS), FOLLOW_TIMEOUT_MS);
    findings.check(hasFollowed, `vpnmasq status does not show the new address ${NEW_ADDRESS}.`);
    findings.figure("address_followed_after", nowMs() - startMs, "ms");
    findings.progress(`public address changed to ${NEW_ADDRESS}; waiting for the clients to notice`);
    const capture = startCapture(lab.topology);
    const hasRecovered = waitUntil(
      () => lab.topology.clients.every((client, index) => isNew(spisOf(client)?.incoming, before[index])),
      RECOVERY_TIMEOUT_MS,
    );
    findings.check(hasRecovered, "not every client has a new tunnel.");
    findings.figure("new_tunnels_after", nowMs() - startMs, "ms");
    judgeTraffic(findings, "after", measureTraffic(lab.topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
    judgeWire(findings, "after", endCapture(capture, lab.topology));
    endLab(findings, lab);
  },
};

function isNew(spi: string | undefined, before: string | undefined): boolean {
  return spi !== undefined && spi !== before;
}
