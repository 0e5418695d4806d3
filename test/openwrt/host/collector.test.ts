// SPDX-License-Identifier: GPL-2.0-only
// What Prometheus gets of a running router and endpoint, from PUC Lua 5.1, and whether its own tool finds fault with it.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { BusySite } from "./busy-site.js";

const COLLECTOR = "build/prometheus-collector.lua";

function scrape(): string {
  return execFileSync("lua5.1", ["test/openwrt/exporter.lua", COLLECTOR], { encoding: "utf8" });
}

/** The value of a series, its labels in any order; undefined when there is none. */
function valueOf(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = text
    .split("\n")
    .find((one) => /^[a-z_]+/.exec(one)?.[0] === name && wanted.every((label) => one.includes(label)));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

/** Prometheus's own check of a reply: its format, and the rules for names. */
function promtool(text: string): { status: number | null; complaints: string } {
  const { status, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  return { status, complaints: stderr };
}

describe("the Prometheus collector", () => {
  let site: BusySite;
  let text = "";

  before(async () => {
    site = await BusySite.start();
    text = scrape();
  });
  after(() => site.stop());

  it("needs no FFI and nothing of ours", () => {
    const required = [...fs.readFileSync(COLLECTOR, "utf8").matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name);
    assert.deepEqual(required, ["cjson", "socket.unix"]);
  });

  it("finds favour with promtool, which knows what is wrong", () => {
    assert.deepEqual(promtool(text), { status: 0, complaints: "" });
    assert.notEqual(promtool("# TYPE pings_total gauge\npings_total 1\n").status, 0);
  });

  it("tells of links, tables and packets of the router", () => {
    assert.equal(valueOf(text, "vpnmasq_up", { role: "router" }), 1);
    assert.equal(valueOf(text, "vpnmasq_link_up", { side: "wan", device: "wan0" }), 1);
    assert.ok((valueOf(text, "vpnmasq_link_receive_bytes_total", { side: "wan" }) ?? 0) > 1000);
    assert.ok((valueOf(text, "vpnmasq_esp_items", { phase: "established" }) ?? 0) >= 40);
    assert.ok((valueOf(text, "vpnmasq_packets_total", { reason: "esp-waiting" }) ?? 0) > 0);
    assert.equal(valueOf(text, "vpnmasq_flows"), undefined);
    assert.equal(valueOf(text, "vpnmasq_health", { state: "ok" }), 1);
  });

  it("tells of the endpoint's tunnels, in seconds", () => {
    assert.equal(valueOf(text, "vpnmasq_tunnel_up", { tunnel: "office" }), 1);
    assert.equal(valueOf(text, "vpnmasq_tunnel_up", { tunnel: "warehouse" }), 0);
    const roundTrip = valueOf(text, "vpnmasq_tunnel_round_trip_seconds", { tunnel: "office" }) ?? 0;
    assert.ok(roundTrip > 0.01 && roundTrip < 0.1, String(roundTrip));
  });

  it("only grows what it calls a total", () => {
    const name = "vpnmasq_link_receive_bytes_total";
    const later = scrape();
    assert.ok((valueOf(later, name, { side: "lan" }) ?? 0) >= (valueOf(text, name, { side: "lan" }) ?? Infinity));
  });

  it("says that the router is down, and no more, when nothing runs", async () => {
    await site.stop();
    const samples = scrape()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    assert.deepEqual(samples.sort(), ['vpnmasq_up{role="endpoint"} 0', 'vpnmasq_up{role="router"} 0']);
  });
});
