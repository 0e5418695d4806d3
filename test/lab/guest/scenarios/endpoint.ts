// SPDX-License-Identifier: GPL-2.0-only
// The endpoint's watchdog at one client behind vpnmasq, and at the server: data waits for the first answer, a rekey costs nothing, the
// watchdog's own death costs nothing, and a tunnel that the server forgot comes back.

import { sleepMs, waitUntil } from "../clock";
import {
  askEndpoint,
  endpointLog,
  installHook,
  killEndpoint,
  restartEndpoint,
  startClientEndpoint,
  startServerEndpoint,
  stopEndpoint,
  watchedTunnel,
} from "../endpoint";
import { bringUp, rekeyEpoch } from "../libreswan";
import type { Findings, Scenario } from "../scenario";
import { must, readText } from "../shell";
import { Syslog } from "../syslog";
import { type Client, SERVER, SERVER_ADDRESS, type Topology } from "../topology";
import { answeredPercent, measureTraffic } from "../traffic";
import { comeUp, forgottenByServer, isUp, rekeyUnderTraffic, UP_TIMEOUT_MS } from "../trials";
import { endLab, startLab, UNDISTURBED_PERCENT } from "../tunnels";

const AFTER_MS = 1000;
/** Leases end 12 s after the last renewal; the kernel's policy timer counts in seconds. */
const LEASES_END_MS = 14_000;

/** Policies with a priority that no IKE daemon uses. */
function pinsOf(client: Client): number {
  const [, data] = string.gsub(must(`ip -n ${client.name} xfrm policy`), "priority 1000 ", "");
  const [, pings] = string.gsub(must(`ip -n ${client.name} xfrm policy`), "priority 900 ", "");
  return data + pings;
}

function killAndRestart(findings: Findings, topology: Topology, client: Client): void {
  const [killed] = measureTraffic(topology, AFTER_MS);
  findings.atLeast("killed_answered", answeredPercent(killed), "%", UNDISTURBED_PERCENT);
  const before = watchedTunnel(client.name);
  findings.check(before === undefined, "The killed watchdog still answers.");
  const pinsAtFirst = pinsOf(client);
  sleepMs(LEASES_END_MS);
  findings.check(pinsAtFirst > 0, "The killed watchdog had no pins.");
  findings.atMost("pins_after_leases_end", pinsOf(client), "policies", 0);
  const [alone] = measureTraffic(topology, AFTER_MS);
  findings.atLeast("alone_answered", answeredPercent(alone), "%", UNDISTURBED_PERCENT);
}

/** In this order, whatever is in between. */
function haveInOrder(lines: readonly string[], beginnings: readonly string[]): boolean {
  let next = 0;
  for (const line of lines) if (next < beginnings.length && line.startsWith(beginnings[next])) next += 1;
  return next === beginnings.length;
}

/** The tunnel came up and was repaired once: a hook is told so, and so is whoever reads the system's log. */
function judgeNews(findings: Findings, client: Client, notes: string, syslog: Syslog): void {
  const told = readText(notes).split("\n");
  const about = `${client.name}, tunnel to ${SERVER_ADDRESS}: `;
  const states = [`up of ${about}`, `recovering of ${about}`, `up of ${about}`];
  findings.check(haveInOrder(told, states), `The hook was not told of up, recovering and up:\n${told.join("\n")}`);
  findings.figure("hook_calls", told.length - 1, "calls");
  const logged = syslog.read().map((line) => string.gsub(line, "%[%d+%]", "")[0]);
  const events = ["up", "recovering", "rekey", "up"].map((event) => `vpnmasq-endpoint: ${client.name}: ${event}: `);
  findings.check(haveInOrder(logged, events), `syslog was not told of the recovery:\n${logged.join("\n")}`);
  findings.exhibit(`The hook was told:\n${told.join("\n")}`);
  findings.exhibit(`syslog was told:\n${logged.join("\n")}`);
}

function endpointScenario(findings: Findings): void {
  const lab = startLab(findings, 1, { version: 2 });
  const { topology } = lab;
  const [client] = topology.clients;
  const trial = { findings, prefix: "", topology, client };
  const server = startServerEndpoint([client]);
  const hook = installHook(client.name);
  const syslog = new Syslog();
  let endpoint = startClientEndpoint(client, { log: "syslog", hook: hook.program });
  comeUp(trial, () => {
    const { isUp: isNegotiated, output } = bringUp(client);
    return isNegotiated ? undefined : output;
  });
  findings.exhibit(askEndpoint(client.name, "tunnels").output);
  rekeyUnderTraffic(trial, () => {
    rekeyEpoch(client, 2);
  });
  killEndpoint(endpoint);
  findings.progress("watchdog killed");
  killAndRestart(findings, topology, client);
  endpoint = restartEndpoint(client.name);
  const isAdopted = waitUntil(() => isUp(watchedTunnel(client.name)), UP_TIMEOUT_MS);
  findings.check(isAdopted, "The restarted watchdog did not adopt the tunnel.");
  forgottenByServer(trial);
  findings.exhibit(askEndpoint(client.name, `explain ${client.name}`).output);
  findings.exhibit(askEndpoint(SERVER, `explain ${client.name}`).output);
  findings.check(isUp(watchedTunnel(SERVER)), "The server's watchdog does not see the tunnel up.");
  judgeNews(findings, client, hook.notes, syslog);
  stopEndpoint(endpoint);
  stopEndpoint(server);
  syslog.close();
  findings.atMost("pins_after_end", pinsOf(client), "policies", 0);
  const [after] = measureTraffic(topology, AFTER_MS);
  findings.atLeast("ended_answered", answeredPercent(after), "%", UNDISTURBED_PERCENT);
  if (findings.failures > 0) findings.exhibit(`the server's watchdog:\n${endpointLog(SERVER)}`);
  endLab(findings, lab);
}

export const endpoint: Scenario = {
  name: "endpoint",
  explanation:
    "A client and a server with the watchdog: data waits for the first answer, a rekey loses nothing, a killed watchdog leaves a working tunnel, what the server forgot comes back, and hook and syslog are told.",
  run: (findings) => {
    endpointScenario(findings);
  },
};
