// SPDX-License-Identifier: GPL-2.0-only
// What a client's watched tunnel is put through, whichever IKE daemon it has: its beginning, a rekey under traffic, and
// a server that has forgotten it.

import { nowMs, sleepMs, waitUntil } from "./clock";
import { type WatchedTunnel, watchedTunnel } from "./endpoint";
import type { Findings } from "./scenario";
import { must } from "./shell";
import { type Client, SERVER, type Topology } from "./topology";
import { answeredPercent, startTraffic, stopTraffic } from "./traffic";
import { UNDISTURBED_PERCENT } from "./tunnels";

export const UP_TIMEOUT_MS = 10_000;
const REKEY_TIMEOUT_MS = 8000;
export const RECOVERY_TIMEOUT_MS = 20_000;
const AFTER_MS = 1000;

/** A client's tunnel, and how its figures begin. */
export interface Trial {
  readonly findings: Findings;
  readonly prefix: string;
  readonly topology: Topology;
  readonly client: Client;
}

export function isUp(tunnel: WatchedTunnel | undefined): boolean {
  return tunnel?.state === "up";
}

/** @param initiate has the daemon negotiate and waits for the outcome; the reason when there is no tunnel */
export function comeUp({ findings, prefix, topology, client }: Trial, initiate: () => string | undefined): void {
  const traffic = startTraffic(topology);
  const problem = initiate();
  findings.check(problem === undefined, `The tunnel could not be negotiated:\n${problem ?? ""}`);
  const isConfirmed = waitUntil(() => isUp(watchedTunnel(client.name)), UP_TIMEOUT_MS);
  findings.check(isConfirmed, "The watchdog never saw the tunnel up.");
  const [result] = stopTraffic(traffic);
  const held = watchedTunnel(client.name)?.hold;
  findings.progress(`tunnel up; ${held?.released ?? 0} packets were held until the answer`);
  findings.atLeast(`${prefix}held_until_first_answer`, held?.released ?? 0, "packets", 1);
  findings.figure(`${prefix}first_answered`, result.answered, "packets");
}

/** @param rekey has the daemon make a new epoch */
export function rekeyUnderTraffic({ findings, prefix, topology, client }: Trial, rekey: () => void): void {
  const before = watchedTunnel(client.name)?.epochs[0]?.out_spi;
  const traffic = startTraffic(topology);
  rekey();
  const isNew = waitUntil(() => {
    const tunnel = watchedTunnel(client.name);
    return isUp(tunnel) && tunnel!.epochs.some((epoch) => epoch.out_spi !== before && epoch.carries_data);
  }, REKEY_TIMEOUT_MS);
  sleepMs(AFTER_MS);
  const [result] = stopTraffic(traffic);
  findings.progress(`rekeyed: ${isNew ? "data moved to the new epoch" : "data did NOT move"}`);
  findings.check(isNew, "Data did not move to the new epoch.");
  findings.atLeast(`${prefix}rekey_answered`, answeredPercent(result), "%", UNDISTURBED_PERCENT);
}

/** The server loses its SAs, and its daemon does not know. */
export function forgottenByServer({ findings, prefix, client }: Trial): void {
  const startMs = nowMs();
  must(`ip -n ${SERVER} xfrm state flush`);
  const by = awaitRecovery(client);
  findings.progress(`the server forgot its SAs: ${by === undefined ? "NOT back" : `back by ${by}`}`);
  findings.check(by !== undefined, "The tunnel did not come back.");
  findings.figure(`${prefix}forgotten_back_after`, nowMs() - startMs, "ms");
}

/** Waits for an outage and its end. @returns what ended it; undefined when nothing did in time */
export function awaitRecovery(client: Client): string | undefined {
  waitUntil(() => !isUp(watchedTunnel(client.name)), RECOVERY_TIMEOUT_MS);
  if (!waitUntil(() => isUp(watchedTunnel(client.name)), RECOVERY_TIMEOUT_MS)) return undefined;
  return watchedTunnel(client.name)?.last_recovery?.by;
}
