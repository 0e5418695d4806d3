// SPDX-License-Identifier: GPL-2.0-only
// The process gets no more memory: a flood of new tunnels and requests either fits what it has, or it ends and is
// started again, and the tunnels that lived go on.

import { must, run } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

/** Beyond what it holds when the limit is set: less than a minute of garbage. */
const ROOM_KIB = 1024;
const FLOODS = 12;
const REQUESTS = 20;

export const memoryLimit: Fault = {
  name: "memory-limit",
  explanation: "The router's address space is limited to what it has, then new tunnels and requests flood it.",
  amount: 1,
  run: (findings) => {
    const patient = new Patient("memory");
    const lived = patient.tunnels;
    must(`prlimit --pid ${patient.router.pid} --as=${(patient.addressSpaceKib() + ROOM_KIB) * 1024}`);
    let restarts = 0;
    for (const _ of $range(1, FLOODS)) {
      pcall(() => {
        patient.newTunnels().establish();
      });
      for (let request = 1; request <= REQUESTS; request += 1) {
        run(`../vpnmasq tunnels --json --control ${patient.router.control} >/dev/null`);
      }
      if (!patient.isAlive()) {
        restarts += 1;
        patient.startAgain();
      }
    }
    findings.figure("memory_limit.restarts", restarts, "restarts");
    patient.tunnels = lived;
    patient.demandTunnels(findings, "after the flood");
    patient.demandNothingLeaked(findings, "at the end");
  },
};
