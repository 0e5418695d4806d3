// SPDX-License-Identifier: GPL-2.0-only
// kill -9 at random moments under traffic, as an out-of-memory killer does it: no tunnel is lost.

import { monotonicMs } from "../../src/system/clock";
import { median } from "../bench/rounds";
import { run, start, waitUntil } from "../bench/programs";
import { Random } from "../spec/random";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const SEED = 9;
/** A kill comes within this of the traffic's begin. */
const MOMENT_MS = 120;
const END_MS = 2000;

export const killed: Fault = {
  name: "killed",
  explanation: "kill -9 at random moments under traffic, again and again, started again as procd does.",
  amount: 6,
  run: (findings, amount) => {
    const patient = new Patient("killed");
    const random = new Random(SEED);
    const awayMs: number[] = [];
    let lost = 0;
    for (const at of $range(1, amount)) {
      const { pid } = patient.router;
      start(`sh -c 'sleep 0.${string.format("%03d", 10 + random.below(MOMENT_MS))}; kill -9 ${pid}'`, "/dev/null");
      lost += patient.tunnels.pump(MOMENT_MS + 20).lost;
      if (!waitUntil(() => !patient.isAlive(), END_MS)) findings.fail("the router outlived kill -9");
      const startMs = monotonicMs();
      patient.startAgain();
      awayMs.push(monotonicMs() - startMs);
      patient.demandTunnels(findings, `after kill ${at}`);
    }
    patient.demandNothingLeaked(findings, "after the last kill");
    const { esp } = patient.router.status();
    findings.bound("killed.items_lost", patient.tunnels.count() - esp.established, "tunnels", 0);
    findings.figure("killed.times", amount, "kills");
    findings.figure("killed.start_again", median(awayMs), "ms");
    findings.figure("killed.packets_lost_a_kill", lost / amount, "packets");
    run(`kill ${patient.router.pid}`);
    if (!waitUntil(() => !patient.isAlive(), END_MS)) findings.fail("it does not end when told to");
    findings.bound("killed.tables_left", patient.inSite("nft list tables").split("table ").length - 1, "tables", 0);
  },
};
