// SPDX-License-Identifier: GPL-2.0-only
// Pings of the LAN's client through the board while something is done to it: how long nothing was forwarded.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "./bench.js";
import { WAN_GATEWAY } from "./lan-network.js";

const BETWEEN_PINGS_S = "0.05";
/** Before and after, so that there is something to compare with. */
const QUIET_MS = 2000;

/** When answers came, in seconds, by `ping -D`. */
function answerTimes(text: string): number[] {
  return [...text.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm)].map(([, seconds]) => Number(seconds));
}

/**
 * Measures while the work is done. The client has to have an address.
 * @returns the longest time between two answers, in seconds; NaN when there were none
 */
export async function measureOutage(bench: Bench, work: () => Promise<unknown>): Promise<number> {
  const ping = ["ping", "-n", "-D", "-i", BETWEEN_PINGS_S, WAN_GATEWAY];
  const words = ["netns", "exec", bench.lan.namespace, "setpriv", "--pdeathsig", "KILL", ...ping];
  const child = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  try {
    await sleep(QUIET_MS);
    await work();
    await sleep(QUIET_MS);
  } finally {
    child.kill("SIGINT");
    await closed;
  }
  const times = answerTimes(output);
  if (times.length === 0) return Number.NaN;
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}
