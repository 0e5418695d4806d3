// SPDX-License-Identifier: GPL-2.0-only
// The process stands still (SIGSTOP) under traffic, longer than its rings hold: then it goes on, and nobody is lost.

import { sleepMs, start } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const STOPPED_SECONDS = 2;
const TRAFFIC_MS = 300;

export const stopped: Fault = {
  name: "stopped",
  explanation: "The router is stopped for two seconds while packets come; its rings overflow.",
  amount: 2,
  run: (findings, amount) => {
    const patient = new Patient("stopped");
    for (const at of $range(1, amount)) {
      patient.signal("STOP");
      start(`sh -c 'sleep ${STOPPED_SECONDS}; kill -CONT ${patient.router.pid}'`, "/dev/null");
      patient.tunnels.pump(TRAFFIC_MS);
      sleepMs(STOPPED_SECONDS * 1000);
      patient.demandAlive(findings, `after stop ${at}`);
      patient.demandTunnels(findings, `after stop ${at}`);
    }
    if (!patient.answers()) findings.fail("it does not answer");
    patient.demandNothingLeaked(findings, "at the end");
  },
};
