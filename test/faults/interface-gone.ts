// SPDX-License-Identifier: GPL-2.0-only
// Interfaces go down and come back, again and again, under traffic: the router follows, and leaks nothing.

import { sleepMs } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const GATEWAY = "198.51.100.254";
const NOBODYS_MAC = "02:00:00:00:00:99";
const AWAY_MS = 150;

export const interfaceGone: Fault = {
  name: "interface-gone",
  explanation: "LAN and WAN go down, or are taken away and given back under the same names.",
  amount: 4,
  run: (findings, amount) => {
    const patient = new Patient("gone");
    for (const at of $range(1, amount)) {
      patient.inSite("ip link set wan down");
      sleepMs(AWAY_MS);
      patient.inSite("ip link set wan name was-wan");
      sleepMs(AWAY_MS);
      patient.inSite("ip link set was-wan name wan");
      patient.inSite("ip -batch -", wanCommands());
      sleepMs(4 * AWAY_MS);
      patient.demandAlive(findings, `after absence ${at}`);
      patient.demandTunnels(findings, `after absence ${at}`);
    }
    findings.figure("interface_gone.times", amount, "absences");
    patient.demandNothingLeaked(findings, "at the end");
  },
};

/** Routes and neighbours go with the link. */
function wanCommands(): string {
  return [
    "link set wan up",
    `neigh replace ${GATEWAY} lladdr ${NOBODYS_MAC} dev wan`,
    `route replace default via ${GATEWAY}`,
  ].join("\n");
}
