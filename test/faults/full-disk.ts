// SPDX-License-Identifier: GPL-2.0-only
// The file system of the journal is full: the router says so once, goes on, and writes again when there is room.

import { must, sleepMs, waitUntil } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

/** What the journal tries again after, and a little. */
const RETRY_MS = 14000;
const NEW_EPOCHS = 4;

export const fullDisk: Fault = {
  name: "full-disk",
  explanation: "The tmpfs of the journal is full while tunnels come up; then there is room again.",
  amount: 1,
  run: (findings) => {
    must("mkdir -p /run/full-disk && mount -t tmpfs -o size=256k tmpfs /run/full-disk");
    const patient = new Patient("full-disk");
    must("dd if=/dev/zero of=/run/full-disk/filler bs=4k 2>/dev/null || true");
    for (const _ of $range(1, NEW_EPOCHS)) {
      patient.tunnels = patient.newTunnels();
      patient.demandTunnels(findings, "with a full disk");
    }
    sleepMs(RETRY_MS / 2);
    const complaints = patient.router.logText().split("a restart would forget tunnels").length - 1;
    findings.bound("full_disk.complaints", complaints, "lines", 1);
    if (complaints === 0) findings.fail("the journal was never refused: the disk was not full");
    patient.demandAlive(findings, "with a full disk");
    must("rm /run/full-disk/filler");
    const isWritten = (): boolean => patient.router.logText().includes("journal: written again");
    if (!waitUntil(isWritten, RETRY_MS)) findings.fail("the journal is not written again");
    patient.signal("KILL");
    waitUntil(() => !patient.isAlive(), RETRY_MS);
    patient.startAgain();
    patient.demandTunnels(findings, "after a restart from what was written again");
    patient.demandNothingLeaked(findings, "at the end");
  },
};
