// SPDX-License-Identifier: GPL-2.0-only
// Ten clients of one server, all sending at once, and with tunnels that have carried nothing yet: the answers' owners are
// found by turns, while what the others send is held.

import { endCapture, startCapture } from "../capture";
import type { Scenario } from "../scenario";
import { measureTraffic } from "../traffic";
import { bringAllUp, endLab, judgeTraffic, judgeWire, startLab, UNDISTURBED_PERCENT } from "../tunnels";

const CLIENTS = 10;
const TRAFFIC_MS = 1000;

export const tenClients: Scenario = {
  name: "ten-clients",
  explanation:
    "Ten clients with IKEv2 tunnels to one server: all negotiate from UDP 500 and all carry traffic at once.",
  isForBoards: true,
  run: (findings) => {
    const lab = startLab(findings, CLIENTS, { version: 2 });
    const capture = startCapture(lab.topology);
    bringAllUp(findings, lab.topology);
    judgeTraffic(findings, "ikev2", measureTraffic(lab.topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
    judgeWire(findings, "ikev2", endCapture(capture, lab.topology));
    endLab(findings, lab);
  },
};
