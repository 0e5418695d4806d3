// SPDX-License-Identifier: GPL-2.0-only
// Tunnels that come, live and are replaced, for as long as is said: nothing grows.

import { monotonicMs } from "../../src/system/clock";
import { sleepMs } from "../bench/programs";
import type { Fault } from "./fault";
import { Patient } from "./patient";

const EPOCH_MS = 250;
/** Traffic of an epoch, as fast as it goes; the rest of its time is the other processes'. */
const TRAFFIC_MS = 50;
/** Four epochs a second and tunnel, kept for the shortest idle time there is and a sweep of five seconds: 80, and 5120. */
const LIMITS = {
  esp_items_max: 8192,
  esp_items_per_client_max: 128,
  esp_idle_ms: 15_000,
  esp_unconfirmed_idle_ms: 2000,
};
/** Half of what there will be in the table, whose memory is all taken at the start; compared from there on. */
const WARM_UP_ROUNDS = 40;
const GROWTH_KIB_MAX = 2048;
const MINUTE_SECONDS = 60;

export const churn: Fault = {
  name: "churn",
  explanation: "64 tunnels renewed four times a second under traffic, for so many seconds; nothing grows.",
  amount: 10,
  run: (findings, amount) => {
    const patient = new Patient("churn", { limits: LIMITS });
    const endMs = monotonicMs() + amount * 1000;
    let [rounds, warmKib, packets, lost] = [0, 0, 0, 0];
    while (monotonicMs() < endMs || rounds <= WARM_UP_ROUNDS) {
      const startMs = monotonicMs();
      patient.tunnels = patient.newTunnels();
      patient.tunnels.establish();
      const cost = patient.tunnels.pump(TRAFFIC_MS);
      sleepMs(Math.max(0, startMs + EPOCH_MS - monotonicMs()));
      patient.tunnels.close();
      [packets, lost] = [packets + cost.packets, lost + cost.lost];
      rounds += 1;
      if (rounds === WARM_UP_ROUNDS) warmKib = patient.residentKib();
    }
    findings.figure("churn.time", amount / MINUTE_SECONDS, "min");
    findings.figure("churn.epochs", rounds * 64, "epochs");
    findings.figure("churn.packets", packets, "packets");
    findings.figure("churn.lost", lost, "packets");
    findings.bound("churn.growth", patient.residentKib() - warmKib, "KiB", GROWTH_KIB_MAX);
    patient.demandAlive(findings, "after the churn");
    patient.demandNothingLeaked(findings, "after the churn");
  },
};
