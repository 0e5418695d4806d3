// SPDX-License-Identifier: GPL-2.0-only
// One run of an experiment that is made with and without the watchdog: the same network and the same IKE daemons, a
// router that follows VPN Masquerade as published or vpnmasq's own extension of it, and endpoints or none.

import { endpointLog, stopEndpoint } from "./endpoint";
import { waitUntil } from "./clock";
import { type IkeOptions, type IkeVersion, startIke } from "./libreswan";
import { type RouterSettings, startRouter } from "./router";
import type { Findings } from "./scenario";
import { buildTopology, type Topology } from "./topology";
import { TimeLine } from "./timeline";
import { answeredPercent, measureTraffic } from "./traffic";
import { bringAllUp, endLab, type Lab } from "./tunnels";
import { accountsOf, tellEvents, watchClient, type Watchdog, watchServer, type WatchSettings } from "./watchdogs";

/** What distinguishes a run from the others. */
export interface Run {
  /** The beginning of its figures' names. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly version: IkeVersion;
  readonly hasPublishedRouter: boolean;
  readonly hasClientEndpoints: boolean;
  readonly hasServerEndpoint: boolean;
  readonly hasNatLossWatch: boolean;
  /** Somebody sees to it that tunnels recover. */
  readonly isProtected: boolean;
}

export const WITHOUT: Run = {
  name: "without",
  title: "Without the watchdog (VPN Masquerade as published)",
  version: 2,
  hasPublishedRouter: true,
  hasClientEndpoints: false,
  hasServerEndpoint: false,
  hasNatLossWatch: false,
  isProtected: false,
};

export const WITH_BOTH: Run = {
  name: "with",
  title: "With the watchdog at clients and server (VPN Masquerade as published)",
  version: 2,
  hasPublishedRouter: true,
  hasClientEndpoints: true,
  hasServerEndpoint: true,
  hasNatLossWatch: false,
  isProtected: true,
};

export const WITH_CLIENTS: Run = {
  name: "clients_only",
  title: "With the watchdog at the clients alone (VPN Masquerade as published)",
  version: 2,
  hasPublishedRouter: true,
  hasClientEndpoints: true,
  hasServerEndpoint: false,
  hasNatLossWatch: false,
  isProtected: true,
};

export const ALL_OURS: Run = {
  name: "with",
  title: "With the watchdog at clients and server (vpnmasq's own table)",
  version: 2,
  hasPublishedRouter: false,
  hasClientEndpoints: true,
  hasServerEndpoint: true,
  hasNatLossWatch: false,
  isProtected: true,
};

export const WITHOUT_NAT_LOSS_WATCH: Run = {
  name: "without",
  title: "Dead peer detection alone (vpnmasq's own table)",
  version: 2,
  hasPublishedRouter: false,
  hasClientEndpoints: false,
  hasServerEndpoint: false,
  hasNatLossWatch: false,
  isProtected: false,
};

export const WITH_NAT_LOSS_WATCH: Run = {
  name: "with",
  title: "With the router's watch for lost tunnels (vpnmasq's own table)",
  version: 2,
  hasPublishedRouter: false,
  hasClientEndpoints: false,
  hasServerEndpoint: false,
  hasNatLossWatch: true,
  isProtected: true,
};

/** The same with IKEv1. */
export function withIkeV1(run: Run): Run {
  return { ...run, name: `ikev1_${run.name}`, title: `IKEv1: ${run.title}`, version: 1 };
}

/** What is common to an experiment's runs. */
export interface Circumstances {
  readonly clientCount: number;
  /** Beside the version, which is the run's. */
  readonly ike?: Omit<IkeOptions, "version">;
  readonly endpoint: WatchSettings;
  readonly router?: RouterSettings | undefined;
  /** Changes the network before anything runs in it. */
  readonly arrange?: (this: void, topology: Topology) => Topology;
}

/** Tout of the routers of these experiments. Shorter than the default, so that its turns end while somebody watches. */
export const OUTSTANDING_MS = 1000;

const FIRST_TRAFFIC_MS = 300;
const FIRST_ANSWERS_TIMEOUT_MS = 8000;

/** Timers for impatient observers that satisfy every inequality for two clients and {@link OUTSTANDING_MS}. */
export const QUICK_ENDPOINT: WatchSettings = {
  timers: {
    max_idle_ms: 1000,
    ping_time_min_ms: 250,
    ping_time_max_ms: 500,
    ping_tries: 7,
    rekey_ms: 3000,
    negotiation_ms: 10_000,
  },
  network: { nat_outstanding_ms: OUTSTANDING_MS, other_tunnels: 1 },
};

export interface WatchedLab extends Lab {
  readonly run: Run;
  readonly ikeOptions: IkeOptions;
  readonly routerSettings: RouterSettings;
  readonly timeLine: TimeLine;
  readonly watchdogs: readonly Watchdog[];
}

/** Builds the network and starts everything in it; with every tunnel up and watched. */
export function startRun(findings: Findings, run: Run, circumstances: Circumstances): WatchedLab {
  const { clientCount, endpoint: settings, arrange } = circumstances;
  const options = { ...circumstances.ike, version: run.version };
  findings.progress(`${run.title}: starting`);
  const plain = buildTopology(clientCount);
  const topology = arrange === undefined ? plain : arrange(plain);
  const routerSettings = settingsOf(run, circumstances);
  const router = startRouter(routerSettings);
  const ike = startIke(topology, options);
  const watchdogs: Watchdog[] = [];
  if (run.hasServerEndpoint) watchdogs.push(watchServer(topology.clients, settings));
  if (run.hasClientEndpoints) {
    for (const client of topology.clients) watchdogs.push(watchClient(client, settings));
  }
  bringAllUp(findings, topology);
  findings.check(carriesTraffic(topology), `${run.name}: not every tunnel carried traffic in the beginning.`);
  const timeLine = new TimeLine(findings, run.title);
  return { topology, router, ike, run, ikeOptions: options, routerSettings, watchdogs, timeLine };
}

/** Every epoch is bound at the router, and confirmed where there are watchdogs. */
function carriesTraffic(topology: Topology): boolean {
  return waitUntil(
    () => measureTraffic(topology, FIRST_TRAFFIC_MS).every((traffic) => answeredPercent(traffic) > 0),
    FIRST_ANSWERS_TIMEOUT_MS,
  );
}

function settingsOf(run: Run, { router }: Circumstances): RouterSettings {
  const limits = { esp_outstanding_ms: OUTSTANDING_MS, ...router?.limits };
  const settings = { ...router, nat_loss_watch: run.hasNatLossWatch, limits };
  return run.hasPublishedRouter ? { ...settings, algorithm: "published" } : settings;
}

/** Tells what the endpoints have to say and stops all. */
export function endRun(findings: Findings, lab: WatchedLab, accounts = accountsOf(lab.watchdogs)): void {
  tellEvents(accounts, lab.timeLine);
  lab.timeLine.close();
  for (const { process } of lab.watchdogs) stopEndpoint(process);
  if (findings.failures > 0) {
    for (const { node } of lab.watchdogs) findings.exhibit(`The endpoint of ${node} said:\n${endpointLog(node)}`);
  }
  endLab(findings, lab);
}
