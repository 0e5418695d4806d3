// SPDX-License-Identifier: GPL-2.0-only
// When the board forwards: the first ping of a client, which has its address already, that is answered through it.

import assert from "node:assert/strict";
import type { Bench } from "./bench.js";
import { CLIENT_ADDRESS, ROUTER_ADDRESS, WAN_GATEWAY } from "./lan-network.js";

const LIMIT_MS = 120_000;
/** Answers come within 20 ms of an idle machine. What is measured is no more exact than this. */
const ANSWER_SECONDS = "0.3";
/** Between two of the client's questions for the board's hardware address; without a word, Linux asks once a second. */
const ASK_MS = 100;
const ASK_INTERVAL = "/proc/sys/net/ipv4/neigh/lan/retrans_time_ms";

/** Gives the LAN's client an address that needs no lease. */
export async function givePermanentAddress(bench: Bench): Promise<void> {
  await bench.lan.run("ip", "address", "replace", CLIENT_ADDRESS, "dev", "lan");
  await bench.lan.run("ip", "route", "replace", "default", "via", ROUTER_ADDRESS);
  await bench.lan.run("sh", "-c", `echo ${ASK_MS} >${ASK_INTERVAL}`);
}

/** @returns whether an answer came at once */
function isForwarded(bench: Bench): Promise<boolean> {
  const words = ["-n", "-q", "-c", "1", "-W", ANSWER_SECONDS, WAN_GATEWAY];
  return bench.lan.run("ping", ...words).then(
    () => true,
    () => false,
  );
}

/** Pings through the board until an answer comes. @returns seconds since then */
export async function firstForwarded(bench: Bench, startMs: number): Promise<number> {
  while (!(await isForwarded(bench))) {
    assert.ok(performance.now() < startMs + LIMIT_MS, "no packet came through the board");
  }
  return (performance.now() - startMs) / 1000;
}
