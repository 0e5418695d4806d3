// SPDX-License-Identifier: GPL-2.0-only
// The board is a whole router: it hands out addresses and lets a LAN's client reach what is behind the WAN.

import assert from "node:assert/strict";
import { GREETING } from "./bench.js";
import type { Check } from "./check.js";
import { SERVER_PORT, WAN_GATEWAY } from "./lan-network.js";

/** For what hangs: a busy machine may take seconds. */
const ANSWER_SECONDS = "10";

interface StatusDocument {
  readonly scope: string;
  readonly lan: { readonly frames_in: number };
  readonly wan: { readonly frames_out: number };
}

export const ROUTING: readonly Check[] = [
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
      await bench.lan.run("ping", "-n", "-c", "1", "-w", ANSWER_SECONDS, WAN_GATEWAY);
      const text = await bench.lan.fetchText(`http://${WAN_GATEWAY}:${SERVER_PORT}/greeting`);
      assert.equal(text, GREETING);
      const after = await status();
      assert.ok(after.wan.frames_out >= before.wan.frames_out + 2, "vpnmasq did not forward them");
      const free = /MemAvailable: +(\d+) kB/.exec(await bench.run("cat /proc/meminfo"))?.[1];
      return { memory_available: { value: Number(free) / 1024, unit: "MiB" } };
    },
  },
];
