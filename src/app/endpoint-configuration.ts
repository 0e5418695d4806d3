// SPDX-License-Identifier: GPL-2.0-only
// The configuration of an endpoint: its tunnels, and timers whose inequalities hold.

import { contradictions, type EpochParameters, type Role, type Surroundings } from "../epoch/parameters";
import type { LogLevel } from "../system/log";
import type { Prefix } from "../wire/address";
import {
  type Checked,
  clip,
  type DocumentValues,
  isObject,
  loadDocument,
  type RawDocument,
  readKeys,
} from "./document";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "./endpoint-keys";
import { JSON_NULL } from "./json";

export interface TunnelConfiguration {
  readonly name: string;
  readonly daemon: "libreswan" | "strongswan";
  readonly connection: string;
  /** Where to reach the daemon; undefined: where it usually is. */
  readonly daemonControl: string | undefined;
  /** Outer addresses (words); undefined: any. */
  readonly local: number | undefined;
  readonly peer: number | undefined;
  /** What it carries; both empty: what the daemon's policies say. */
  readonly localNetworks: readonly Prefix[];
  readonly remoteNetworks: readonly Prefix[];
  /** Inner addresses (words). A client's tunnel has them. */
  readonly ping: { readonly source: number; readonly target: number } | undefined;
  readonly parameters: EpochParameters;
}

export interface EndpointConfiguration {
  readonly role: Role;
  readonly tunnels: readonly TunnelConfiguration[];
  readonly control: string;
  readonly log: "stderr" | "syslog";
  readonly logLevel: LogLevel;
  /** Whom procd is told to be alive, as SERVICE/INSTANCE; undefined: nobody. */
  readonly procdInstance: string | undefined;
  readonly hook: string | undefined;
  readonly hookTimeoutMs: number;
  /** Every key with the value that holds, as in a document. */
  readonly effective: Readonly<Record<string, unknown>>;
}

/** The standard lead of a client: the draft's inequalities hold with it and the standards of the other timers. */
const CLIENT_LEAD_MS = 60_000;
/**
 * How long each daemon keeps an epoch after its successor is there: libreswan removes it after 1.0 s when it rekeyed
 * IKEv2 itself, strongSwan at once. Data is held a little before, since a packet for an SA that is gone makes the
 * kernel ask the daemon for yet another.
 */
const OLD_EPOCH_MS = { libreswan: 800, strongswan: 0 };

/** What tells an endpoint's document from a router's. */
export function isEndpointDocument(document: RawDocument): boolean {
  return document.tunnels !== undefined;
}

/** Reads and checks a configuration file. */
export function loadEndpointConfiguration(path: string): Checked<EndpointConfiguration> {
  const [document, problems] = loadDocument(path);
  if (document === undefined) return $multi(undefined, problems);
  return readEndpointConfiguration(document);
}

export function readEndpointConfiguration(document: RawDocument): Checked<EndpointConfiguration> {
  const problems: string[] = [];
  const read = readKeys(document, ENDPOINT_KEYS, problems);
  const tunnels = readTunnels(read.values.get("tunnels") as unknown[] | undefined, problems);
  if (problems.length > 0) return $multi(undefined, problems);
  const configuration = assemble(read, tunnels);
  problems.push(...contradictionsOf(configuration, surroundingsOf(read)));
  if (problems.length > 0) return $multi(undefined, problems);
  return $multi(configuration, undefined);
}

function readTunnels(documents: readonly unknown[] | undefined, problems: string[]): DocumentValues[] {
  const tunnels: DocumentValues[] = [];
  for (const [index, document] of (documents ?? []).entries()) {
    const where = `tunnels[${index + 1}]`;
    if (isObject(document)) tunnels.push(readKeys(document, TUNNEL_KEYS, problems, `${where}.`));
    else problems.push(`${where}: use an object`);
  }
  return tunnels;
}

// Meaning

function orUndefined<Value>({ values }: DocumentValues, key: string): Value | undefined {
  const value = values.get(key);
  return value === JSON_NULL ? undefined : (value as Value);
}

function assemble(read: DocumentValues, tunnels: readonly DocumentValues[]): EndpointConfiguration {
  const valueOf = <Value>(key: string): Value => read.values.get(key) as Value;
  const parameters = parametersOf(read);
  return {
    role: parameters.role,
    tunnels: tunnels.map((tunnel) => assembleTunnel(tunnel, parameters)),
    control: valueOf("control"),
    log: valueOf("log"),
    logLevel: valueOf("log_level"),
    procdInstance: orUndefined(read, "procd_instance"),
    hook: orUndefined(read, "hook"),
    hookTimeoutMs: valueOf("hook_timeout_s"),
    effective: read.effective,
  };
}

/** Of all tunnels; how long an old epoch lives depends on the daemon. */
function parametersOf(read: DocumentValues): Omit<EpochParameters, "oldEpochMs"> {
  const valueOf = <Value>(key: string): Value => read.values.get(key) as Value;
  const role = valueOf<Role>("role");
  return {
    role,
    keylifeMs: valueOf("timers.keylife_s"),
    marginMs: valueOf("timers.margin_s"),
    fuzz: valueOf("timers.fuzz_percent"),
    clientLeadMs: orUndefined(read, "timers.client_lead_s") ?? (role === "client" ? CLIENT_LEAD_MS : 0),
    ignoresServerRekey: valueOf("timers.ignore_server_rekey"),
    maxIdleMs: valueOf("timers.max_idle_ms"),
    trafficIdleMs: valueOf("timers.traffic_idle_ms"),
    pingTimeMinMs: valueOf("timers.ping_time_min_ms"),
    pingTimeMaxMs: valueOf("timers.ping_time_max_ms"),
    pingTries: valueOf("timers.ping_tries"),
    probeTries: valueOf("timers.probe_tries"),
    rekeyMs: valueOf("timers.rekey_ms"),
    negotiationMs: valueOf("timers.negotiation_ms"),
  };
}

function surroundingsOf(read: DocumentValues): Surroundings {
  const valueOf = <Value>(key: string): Value => read.values.get(`network.${key}`) as Value;
  return {
    natOutstandingMs: valueOf("nat_outstanding_ms"),
    natOutstandingSends: valueOf("nat_outstanding_sends"),
    natIdleMs: valueOf("nat_idle_ms"),
    otherTunnels: valueOf("other_tunnels"),
    driftMs: valueOf("drift_ms"),
    latencyMs: valueOf("latency_ms"),
  };
}

function assembleTunnel(read: DocumentValues, shared: Omit<EpochParameters, "oldEpochMs">): TunnelConfiguration {
  const valueOf = <Value>(key: string): Value => read.values.get(key) as Value;
  const daemon = valueOf<TunnelConfiguration["daemon"]>("daemon");
  const source = orUndefined<number>(read, "ping_source");
  const target = orUndefined<number>(read, "ping_target");
  const oldEpochMs = orUndefined<number>(read, "old_epoch_ms") ?? OLD_EPOCH_MS[daemon];
  return {
    name: valueOf("name"),
    daemon,
    connection: valueOf("connection"),
    daemonControl: orUndefined(read, "daemon_control"),
    local: orUndefined(read, "local"),
    peer: orUndefined(read, "peer"),
    localNetworks: valueOf("local_networks"),
    remoteNetworks: valueOf("remote_networks"),
    ping: source === undefined || target === undefined ? undefined : { source, target },
    parameters: { ...shared, oldEpochMs },
  };
}

function contradictionsOf({ role, tunnels }: EndpointConfiguration, surroundings: Surroundings): string[] {
  const problems = contradictions(tunnels[0].parameters, surroundings);
  const names = new Set<string>();
  for (const { name, ping, localNetworks, remoteNetworks } of tunnels) {
    if (names.has(name)) problems.push(`name: two tunnels are "${clip(name)}"; use a name once`);
    names.add(name);
    if (role === "client" && ping === undefined) {
      problems.push(`${name}: a client pings; give ping_source and ping_target`);
    }
    if ((localNetworks.length === 0) !== (remoteNetworks.length === 0)) {
      problems.push(`${name}: give local_networks and remote_networks, or neither`);
    }
  }
  return problems;
}
