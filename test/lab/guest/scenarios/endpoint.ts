// SPDX-License-Identifier: GPL-2.0-only
// The endpoint's watchdog at one client behind vpnmasq, and at the server: data waits for the first answer, a rekey costs nothing, the
// watchdog's own death costs nothing, and a tunnel that the server forgot comes back.

import { nowMs, sleepMs, waitUntil } from "../clock";
import {
  askEndpoint,
  endpointLog,
  killEndpoint,
  restartEndpoint,
  startClientEndpoint,
  startServerEndpoint,
  stopEndpoint,
  type WatchedTunnel,
  watchedTunnel,
} from "../endpoint";
import { bringUp, rekeyEpoch } from "../libreswan";
import type { Findings, Scenario } from "../scenario";
import { must } from "../shell";
import { type Client, SERVER, type Topology } from "../topology";
import { answeredPercent, measureTraffic, startTraffic, stopTraffic } from "../traffic";
import { endLab, startLab, UNDISTURBED_PERCENT } from "../tunnels";

const UP_TIMEOUT_MS = 10_000;
const REKEY_TIMEOUT_MS = 8000;
const RECOVERY_TIMEOUT_MS = 20_000;
const AFTER_MS = 1000;
/** Leases end 12 s after the last renewal; the kernel's policy timer counts in seconds. */
const LEASES_END_MS = 14_000;

function isUp(tunnel: WatchedTunnel | undefined): boolean {
  return tunnel?.state === "up";
}

/** Policies with a priority that no IKE daemon uses. */
function pinsOf(client: Client): number {
  const [, data] = string.gsub(must(`ip -n ${client.name} xfrm policy`), "priority 1000 ", "");
  const [, pings] = string.gsub(must(`ip -n ${client.name} xfrm policy`), "priority 900 ", "");
  return data + pings;
}

function comeUp(findings: Findings, topology: Topology, client: Client): void {
  const traffic = startTraffic(topology);
  const { isUp: isNegotiated } = bringUp(client);
  findings.check(isNegotiated, "The tunnel could not be negotiated.");
  const isConfirmed = waitUntil(() => isUp(watchedTunnel(client.name)), UP_TIMEOUT_MS);
  findings.check(isConfirmed, "The watchdog never saw the tunnel up.");
  const [result] = stopTraffic(traffic);
  const held = watchedTunnel(client.name)?.hold;
  findings.progress(`tunnel up; ${held?.released ?? 0} packets were held until the answer`);
  findings.atLeast("held_until_first_answer", held?.released ?? 0, "packets", 1);
  findings.figure("first_answered", result.answered, "packets");
}

function rekeyUnderTraffic(findings: Findings, topology: Topology, client: Client): void {
  const before = watchedTunnel(client.name)!.epochs[0].out_spi;
  const traffic = startTraffic(topology);
  rekeyEpoch(client, 2);
  const isNew = waitUntil(() => {
    const tunnel = watchedTunnel(client.name);
    return isUp(tunnel) && tunnel!.epochs.some((epoch) => epoch.out_spi !== before && epoch.carries_data);
  }, REKEY_TIMEOUT_MS);
  sleepMs(AFTER_MS);
  const [result] = stopTraffic(traffic);
  findings.progress(`rekeyed: ${isNew ? "data moved to the new epoch" : "data did NOT move"}`);
  findings.check(isNew, "Data did not move to the new epoch.");
  findings.atLeast("rekey_answered", answeredPercent(result), "%", UNDISTURBED_PERCENT);
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

function forgottenByServer(findings: Findings, client: Client): void {
  const startMs = nowMs();
  must(`ip -n ${SERVER} xfrm state flush`);
  waitUntil(() => !isUp(watchedTunnel(client.name)), RECOVERY_TIMEOUT_MS);
  const isBack = waitUntil(() => isUp(watchedTunnel(client.name)), RECOVERY_TIMEOUT_MS);
  const recovery = watchedTunnel(client.name)?.last_recovery;
  findings.progress(`the server forgot its SAs: ${isBack ? `back by ${recovery?.by}` : "NOT back"}`);
  findings.check(isBack, "The tunnel did not come back.");
  findings.figure("forgotten_back_after", nowMs() - startMs, "ms");
}

function endpointScenario(findings: Findings): void {
  const lab = startLab(findings, 1, { version: 2 });
  const [client] = lab.topology.clients;
  const server = startServerEndpoint([client]);
  let endpoint = startClientEndpoint(client);
  comeUp(findings, lab.topology, client);
  findings.exhibit(askEndpoint(client.name, "tunnels").output);
  rekeyUnderTraffic(findings, lab.topology, client);
  killEndpoint(endpoint);
  findings.progress("watchdog killed");
  killAndRestart(findings, lab.topology, client);
  endpoint = restartEndpoint(client.name);
  const isAdopted = waitUntil(() => isUp(watchedTunnel(client.name)), UP_TIMEOUT_MS);
  findings.check(isAdopted, "The restarted watchdog did not adopt the tunnel.");
  forgottenByServer(findings, client);
  findings.exhibit(askEndpoint(client.name, `explain ${client.name}`).output);
  findings.exhibit(askEndpoint(SERVER, `explain ${client.name}`).output);
  findings.check(isUp(watchedTunnel(SERVER)), "The server's watchdog does not see the tunnel up.");
  stopEndpoint(endpoint);
  stopEndpoint(server);
  findings.atMost("pins_after_end", pinsOf(client), "policies", 0);
  const [after] = measureTraffic(lab.topology, AFTER_MS);
  findings.atLeast("ended_answered", answeredPercent(after), "%", UNDISTURBED_PERCENT);
  if (findings.failures > 0) {
    findings.exhibit(`the client's watchdog:\n${endpointLog(client.name)}`);
    findings.exhibit(`the server's watchdog:\n${endpointLog(SERVER)}`);
  }
  endLab(findings, lab);
}

export const endpoint: Scenario = {
  name: "endpoint",
  explanation:
    "A client and a server with the watchdog: data waits for the first answer, a rekey loses nothing, a killed watchdog leaves a working tunnel, and what the server forgot comes back.",
  run: (findings) => {
    endpointScenario(findings);
  },
};
