// SPDX-License-Identifier: GPL-2.0-only
// Clients of the control socket that ask and never read, or send half a line and nothing more: they take their own
// connections and nothing else.

import { declareC } from "../../src/system/ffi";
import { median } from "../bench/rounds";
import { sleepMs } from "../bench/programs";
import { SilentClient } from "./silent-client";
import type { Fault } from "./fault";
import { Patient } from "./patient";

/** @noSelf */
interface CloseLibrary {
  close(fd: number): number;
}

const C = declareC<CloseLibrary>("int close(int fd);");

/** As many connections as the router takes (src/app/control-server.ts). */
const CLIENTS = 8;
/** Of pages of a table with 64 tunnels, 20 KB each: more than the connection's output may be. */
const REQUESTS = 400;
const REQUEST = '{"command":"table","table":"esp","limit":1000}\n';
const MEMORY_KIB_MAX = 16 * 1024;
const ROUNDS = 5;
const ROUND_MS = 100;
/** A router that waits for its clients forwards next to nothing; a busy machine slows rounds by less, in the median. */
const SLOWDOWN_MAX = 3;

/** Traffic as fast as it goes: medians of some rounds. */
function rounds(patient: Patient): { lossPercent: number; packetsAMs: number } {
  const losses: number[] = [];
  const speeds: number[] = [];
  for (const _ of $range(1, ROUNDS)) {
    const { lost, packets, elapsedMs } = patient.tunnels.pump(ROUND_MS);
    losses.push((100 * lost) / (lost + packets));
    speeds.push(packets / elapsedMs);
  }
  return { lossPercent: median(losses), packetsAMs: median(speeds) };
}

export const slowClient: Fault = {
  name: "slow-client",
  explanation: "Eight clients of the control socket that ask and do not read, or stop in the middle of a line.",
  amount: 1,
  run: (findings) => {
    const patient = new Patient("slow");
    const alone = rounds(patient);
    const beforeKib = patient.residentKib();
    const clients: SilentClient[] = [];
    for (const at of $range(1, CLIENTS)) {
      const client = SilentClient.connect(patient.router.control);
      clients.push(client);
      if (at === 1) client.send('{"command":"sta');
      else for (const _ of $range(1, REQUESTS)) client.send(REQUEST);
    }
    sleepMs(1000);
    const beside = rounds(patient);
    findings.bound("slow_client.loss", beside.lossPercent, "%", 1);
    findings.bound("slow_client.slowdown", alone.packetsAMs / beside.packetsAMs, "times", SLOWDOWN_MAX);
    patient.demandAlive(findings, "with slow clients");
    patient.demandTunnels(findings, "with slow clients");
    findings.bound("slow_client.memory", patient.residentKib() - beforeKib, "KiB", MEMORY_KIB_MAX);
    for (const client of clients) C.close(client.fd);
    sleepMs(500);
    if (!patient.answers()) findings.fail("it does not answer when they are gone");
    patient.demandNothingLeaked(findings, "at the end");
  },
};
