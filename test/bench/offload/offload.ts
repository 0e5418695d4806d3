// SPDX-License-Identifier: GPL-2.0-only
// The fast path against the kernel's own ways, with frames that come in as a driver's.
//
// Everything between two veth ends happens within the sender's system calls, or in the router's process where packets pass
// it; so the CPU time of the two is all of the work, and nothing else on the machine is in it.

import { Compiler } from "../../../src/system/compiler";
import type { Measurement } from "../findings";
import { Baseline } from "./baseline";
import { measureFilling } from "./filling";
import { measurePaced } from "./pacing";
import { measureThroughput } from "./throughput";
import type { Way } from "./way";
import { makeWays } from "./ways";

export const offload: Measurement = {
  name: "offload",
  explanation:
    "ESP and UDP packets as frames of a driver: CPU time, and time under way, of vpnmasq at XDP, at tcx and in its " +
    "process, and of the kernel's ways, in turns.",
  run: (findings) => {
    new Compiler().start();
    const baseline = new Baseline();
    const ways = makeWays(findings);
    measureThroughput(findings, ways, baseline);
    measurePaced(findings, ways, baseline);
    const wayOf = (wanted: string): Way => ways.find(({ name }) => name === wanted)!;
    measureFilling(findings, wayOf("xdp"), wayOf("userspace"));
    for (const { router } of ways) router?.kill();
  },
};
