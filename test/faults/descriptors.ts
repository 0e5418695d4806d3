// SPDX-License-Identifier: GPL-2.0-only
// The process may open no more files: it goes on forwarding, does not spin, and answers again when it may.

import { cpuNsOf } from "../bench/cpu-time";
import { must, run, sleepMs, start } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const WATCHED_MS = 2000;
/** Of one CPU, while a client waits that cannot be let in. */
const BUSY_PERCENT_MAX = 30;

export const descriptors: Fault = {
  name: "descriptors",
  explanation: "No file descriptor is left for a connection to the control socket, or for anything else.",
  amount: 1,
  run: (findings) => {
    const patient = new Patient("files");
    const { control, pid } = patient.router;
    must(`prlimit --pid ${pid} --nofile=${patient.lowestFreeDescriptor()}:4096`);
    start(`timeout 4 ../vpnmasq status --control ${control}`, "/dev/null");
    const beforeNs = cpuNsOf(pid);
    sleepMs(WATCHED_MS);
    const busyPercent = (cpuNsOf(pid) - beforeNs) / (WATCHED_MS * 1e4);
    findings.bound("descriptors.busy", busyPercent, "%", BUSY_PERCENT_MAX);
    patient.demandAlive(findings, "without descriptors");
    patient.demandTunnels(findings, "without descriptors");
    if (patient.answers()) findings.fail("it answered without a descriptor: nothing was tried");
    run(`prlimit --pid ${pid} --nofile=1024:4096`);
    sleepMs(WATCHED_MS);
    if (!patient.answers()) findings.fail("it does not answer when it has descriptors again");
    patient.demandNothingLeaked(findings, "at the end");
  },
};
