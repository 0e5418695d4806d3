// SPDX-License-Identifier: GPL-2.0-only
// The demonstration that `npm start` runs: the problem, the answer, a crash survived, and the table as a person sees it.
//
// Two guests run side by side where there are two processors: stock masquerade in one, vpnmasq in the other.

import os from "node:os";
import { heading, wrap } from "../../../src/host/page.js";
import { untilRefused } from "../../../src/host/refusal.js";
import { beginRun } from "../../../src/host/run-traces.js";
import { guestRoot } from "./root.js";
import { runGuest, type ScenarioResult } from "./uml.js";

/** What runs after one another in one guest after the other; the lanes run side by side. */
const LANES = [["baseline"], ["two-clients", "router-killed"]] as const;

const LABELS: Readonly<Record<string, string>> = {
  baseline: "stock Linux",
  "two-clients": "vpnmasq",
  "router-killed": "vpnmasq killed",
};
const LABEL_WIDTH = 14;

function say(text: string): void {
  console.log(text);
}

async function runLane(root: string, scenarios: readonly string[]): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    const label = (LABELS[scenario] ?? scenario).padEnd(LABEL_WIDTH);
    say(`${label} booting a guest kernel`);
    const result = await runGuest(root, { scenario, isLong: false }, (line) => {
      say(`${label} ${line}`);
    });
    results.push(result);
  }
  return results;
}

async function runLanes(root: string): Promise<ScenarioResult[]> {
  if (os.availableParallelism() < LANES.length) return runLane(root, LANES.flat());
  return (await Promise.all(LANES.map((scenarios) => runLane(root, scenarios)))).flat();
}

/** A figure as it is said in a sentence. */
function value(result: ScenarioResult, name: string): string {
  const figure = result.figures[name];
  return figure === undefined ? "not measured" : `${Math.round(figure.value)} ${figure.unit}`;
}

function answeredLine(result: ScenarioResult, version: number): string {
  const [first, second] = [1, 2].map((client) => value(result, `ikev${version}_client_${client}_answered`));
  return `   IKEv${version}  client 1: ${first} of its packets answered   client 2: ${second}`;
}

/** One step of the summary: a claim is made only where it was seen. */
function tell(step: number, result: ScenarioResult, claim: string, lines: readonly string[]): void {
  const [first, ...more] = wrap(`${result.ok ? "" : "NOT SHOWN: "}${claim}`, "   ").split("\n");
  say([`\n${step}. ${first.trimStart()}`, ...more, ...lines].join("\n"));
}

function summarise(baseline: ScenarioResult, answer: ScenarioResult, killed: ScenarioResult): void {
  say(heading("What you have seen"));
  const problem =
    "Stock Linux masquerade: both clients negotiate with the server, but client 2's tunnel carries nothing " +
    "(the kernel cannot tell their ESP packets apart).";
  tell(1, baseline, problem, [answeredLine(baseline, 2), answeredLine(baseline, 1)]);
  const better =
    "The same clients and server through vpnmasq: both tunnels carry traffic, as native ESP, with UDP 500 at both " +
    "ends for both clients.";
  tell(2, answer, better, [answeredLine(answer, 2), answeredLine(answer, 1)]);
  const gaps = `   gap  client 1: ${value(killed, "client_1_gap")}   client 2: ${value(killed, "client_2_gap")}`;
  tell(3, killed, "kill -9 of vpnmasq under traffic, then started again: both tunnels go on.", [gaps]);
  tell(4, killed, "The router's table, as `vpnmasq table` shows it:", ["", tableOf(killed)]);
}

function tableOf(killed: ScenarioResult): string {
  return killed.exhibits[0]?.trimEnd() ?? "   (not available: see above)";
}

function explainFailures(results: readonly ScenarioResult[]): void {
  for (const { name, ok, notes, exhibits } of results) {
    if (ok) continue;
    say(heading(`${name} did not go as it should`));
    for (const text of [...notes, ...exhibits]) say(text);
  }
}

async function main(): Promise<void> {
  beginRun();
  say(
    wrap(
      "This shows several IPsec clients behind one NAT router reaching one VPN server. Clients, router and server are " +
        "network namespaces in a guest kernel (User-Mode Linux) with real libreswan daemons; nothing of this machine's " +
        "network is touched.",
    ),
  );
  say("");
  const startMs = performance.now();
  const results = await runLanes(await guestRoot(say));
  const [baseline, answer, killed] = results;
  explainFailures(results);
  summarise(baseline, answer, killed);
  const isOk = results.every(({ ok }) => ok);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  say(`\n${isOk ? "All as it should be" : "NOT as it should be: the reasons are above"} (${seconds} s).`);
  if (isOk) say("More: npm run lab -- --list");
  process.exitCode = isOk ? 0 : 1;
}

await untilRefused(main);
