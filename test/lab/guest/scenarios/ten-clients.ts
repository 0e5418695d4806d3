// SPDX-License-Identifier: GPL-2.0-only
// Ten clients of one server, all sending at once: first with tunnels that have carried nothing yet, so that the answers'
// owners are found by turns, then with all of them known.

import { endCapture, startCapture } from "../capture";
import type { Scenario } from "../scenario";
import { measureTraffic } from "../traffic";
import { bringAllUp, endLab, judgeTraffic, judgeWire, startLab, UNDISTURBED_PERCENT } from "../tunnels";

const CLIENTS = 10;
/** Ten turns, each as long as an answer takes in a guest on a busy machine. */
const TURNS_MS = 2500;
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
    for (const [index, { answered }] of measureTraffic(lab.topology, TURNS_MS).entries()) {
      findings.atLeast(`ikev2_client_${index + 1}_had_its_turn`, answered, "answers", 1);
    }
    judgeTraffic(findings, "ikev2", measureTraffic(lab.topology, TRAFFIC_MS), UNDISTURBED_PERCENT);
    judgeWire(findings, "ikev2", endCapture(capture, lab.topology));
    endLab(findings, lab);
  },
};
