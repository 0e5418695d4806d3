// SPDX-License-Identifier: GPL-2.0-only
// The wall clock is set back by a year, and forward again, with restarts in between: no tunnel is lost.
//
// The program gets its wall clock from libfaketime, since this machine's own clock is not for a test to set. What it
// measures time by, the monotonic clock, is left alone, as Linux does.

import { sleepMs, writeText } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const OFFSETS = ["+0", "-365d", "+365d", "+0"];
const FILE = "/run/offset";
const SEEN_MS = 300;
const LIBRARY = "/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1";
const THROUGH = [
  `env LD_PRELOAD=${LIBRARY} FAKETIME_TIMESTAMP_FILE=${FILE}`,
  "FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1",
].join(" ");

export const clockSetBack: Fault = {
  name: "clock-set-back",
  explanation: "The wall clock jumps a year back and forth while the router runs and between its runs.",
  amount: 1,
  run: (findings) => {
    writeText(FILE, "+0");
    const patient = new Patient("clock", { through: THROUGH });
    for (const offset of OFFSETS) {
      writeText(FILE, offset);
      sleepMs(SEEN_MS);
      patient.demandTunnels(findings, `with the clock at ${offset}`);
      patient.signal("KILL");
      sleepMs(SEEN_MS);
      patient.startAgain();
      patient.demandTunnels(findings, `started again with the clock at ${offset}`);
    }
    patient.demandNothingLeaked(findings, "at the end");
  },
};
