// SPDX-License-Identifier: GPL-2.0-only
// How soon after power on the board forwards: the median of several starts, since one of them says little on a machine that
// does other things too.

import assert from "node:assert/strict";
import type { Figure } from "../../../src/host/document.js";
import type { Bench } from "./bench.js";
import type { Check, Figures } from "./check.js";
import { CLIENT_ADDRESS, ROUTER_ADDRESS, WAN_GATEWAY } from "./lan-network.js";

/** An odd number, so that one of them is the median. */
const STARTS = 5;
const LIMIT_MS = 120_000;
/** Answers come within 20 ms of an idle machine. What is measured is no more exact than this. */
const ANSWER_SECONDS = "0.3";
/** Between two of the client's questions for the board's hardware address; without a word, Linux asks once a second. */
const ASK_MS = 100;
const ASK_INTERVAL = "/proc/sys/net/ipv4/neigh/lan/retrans_time_ms";

/** @returns whether an answer came at once */
function isForwarded(bench: Bench): Promise<boolean> {
  const words = ["-n", "-q", "-c", "1", "-W", ANSWER_SECONDS, WAN_GATEWAY];
  return bench.lan.run("ping", ...words).then(
    () => true,
    () => false,
  );
}

/** Pings through the board until an answer comes. @returns seconds since it was switched on */
async function firstForwarded(bench: Bench): Promise<number> {
  const startMs = performance.now();
  await bench.powerOn();
  while (!(await isForwarded(bench))) {
    assert.ok(performance.now() < startMs + LIMIT_MS, "no packet came through the board");
  }
  return (performance.now() - startMs) / 1000;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[(values.length - 1) / 2] ?? NaN;
}

function figuresOf(values: readonly number[]): Figures {
  const name = "power_on_to_first_forwarded_packet";
  const each = values.map((value, index): [string, Figure] => [`${name}_${index + 1}`, { value, unit: "s" }]);
  return { [name]: { value: medianOf(values), unit: "s", reach: "at most 10 s" }, ...Object.fromEntries(each) };
}

export const STARTS_GROUP: readonly Check[] = [
  {
    sentence: `a client that has its address already is forwarded soon after power on (the median of ${STARTS} starts)`,
    run: async (bench, say) => {
      await bench.lan.run("ip", "address", "replace", CLIENT_ADDRESS, "dev", "lan");
      await bench.lan.run("ip", "route", "replace", "default", "via", ROUTER_ADDRESS);
      await bench.lan.run("sh", "-c", `echo ${ASK_MS} >${ASK_INTERVAL}`);
      const values: number[] = [];
      while (values.length < STARTS) {
        const seconds = await firstForwarded(bench);
        await bench.shell();
        values.push(seconds);
        say(`      start ${values.length}: ${seconds.toFixed(1)} s`);
      }
      return figuresOf(values);
    },
  },
];
