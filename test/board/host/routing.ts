// SPDX-License-Identifier: GPL-2.0-only
// The board is a whole router: it hands out addresses and lets a LAN's client reach what is behind the WAN.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, GREETING } from "./bench.js";
import type { Check } from "./check.js";
import { SERVER_PORT, WAN_GATEWAY } from "./lan-network.js";

const FIRST_PACKET_LIMIT_MS = 120_000;
const BETWEEN_PINGS_MS = 100;
/** Answers come within 20 ms; a longer wait would be added to the time that is measured. */
const ANSWER_SECONDS = "0.3";

interface StatusDocument {
  readonly scope: string;
  readonly lan: { readonly frames_in: number };
  readonly wan: { readonly frames_out: number };
}

async function isReached(bench: Bench): Promise<boolean> {
  return bench.lan.run("ping", "-c", "1", "-W", ANSWER_SECONDS, WAN_GATEWAY).then(
    () => true,
    () => false,
  );
}

/** Pings through the board until an answer comes. @returns the time that took */
async function firstForwarded(bench: Bench, startMs: number): Promise<number> {
  while (performance.now() < startMs + FIRST_PACKET_LIMIT_MS) {
    if (await isReached(bench)) return (performance.now() - startMs) / 1000;
    await sleep(BETWEEN_PINGS_MS);
  }
  return assert.fail("no packet came through the board");
}

export const ROUTING: readonly Check[] = [
  {
    sentence: "a client that has its address already is forwarded soon after power on",
    run: async (bench) => {
      await bench.lan.run("ip", "address", "replace", "192.168.1.50/24", "dev", "lan");
      await bench.lan.run("ip", "route", "replace", "default", "via", "192.168.1.1");
      const startMs = performance.now();
      await bench.powerOn();
      const seconds = await firstForwarded(bench, startMs);
      await bench.shell();
      return { power_on_to_first_forwarded_packet: { value: seconds, unit: "s", reach: "at most 10 s" } };
    },
  },
  {
    sentence: "a client on the LAN gets an address by DHCP",
    run: async (bench) => {
      const address = await bench.lan.takeLease();
      assert.match(address, /^192\.168\.1\.(1\d\d|2[0-4]\d)$/);
      return undefined;
    },
  },
  {
    sentence: "pings and TCP of a LAN's client go through vpnmasq to the WAN and back",
    run: async (bench) => {
      const status = async (): Promise<StatusDocument> =>
        JSON.parse(await bench.run("vpnmasq status --json")) as StatusDocument;
      const before = await status();
      assert.equal(before.scope, "all");
      assert.ok(await isReached(bench), `no answer to a ping of ${WAN_GATEWAY}`);
      const text = await bench.lan.fetchText(`http://${WAN_GATEWAY}:${SERVER_PORT}/greeting`);
      assert.equal(text, GREETING);
      const after = await status();
      assert.ok(after.wan.frames_out >= before.wan.frames_out + 2, "vpnmasq did not forward them");
      const free = /MemAvailable: +(\d+) kB/.exec(await bench.run("cat /proc/meminfo"))?.[1];
      return { memory_available: { value: Number(free) / 1024, unit: "MiB" } };
    },
  },
];
