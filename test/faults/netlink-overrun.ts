// SPDX-License-Identifier: GPL-2.0-only
// More changes than the kernel's queue for us holds, while the process stands still: what was missed is asked for.

import { must, sleepMs, writeText } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const CHANGES = 6000;
const CHANGES_FILE = "/run/changes";
const SEEN_MS = 500;
const CLIENT = "198.18.1.0";
const OTHER_MAC = "02:00:00:00:00:aa";

export const netlinkOverrun: Fault = {
  name: "netlink-overrun",
  explanation: "Thousands of changes of neighbours while the router is stopped (SIGSTOP); one of them matters.",
  amount: 1,
  run: (findings) => {
    const patient = new Patient("overrun");
    patient.signal("STOP");
    const lines: string[] = [];
    for (const at of $range(0, CHANGES - 1)) {
      const address = `198.18.${100 + (at >> 8)}.${at & 0xff}`;
      lines.push(`neigh replace ${address} lladdr 02:00:00:00:01:01 dev lan`);
    }
    writeText(CHANGES_FILE, lines.join("\n"));
    must(`ip -netns ${patient.site.name} -force -batch ${CHANGES_FILE} >/dev/null 2>&1 || true`);
    // The last change is behind those that were lost.
    patient.inSite(`ip neigh replace ${CLIENT} lladdr ${OTHER_MAC} dev lan`);
    patient.signal("CONT");
    sleepMs(SEEN_MS);
    patient.demandAlive(findings, "after the overrun");
    patient.demandTunnels(findings, "after the overrun");
    patient.demandNothingLeaked(findings, "at the end");
  },
};
