// SPDX-License-Identifier: GPL-2.0-only
// The configuration of a router: one JSON document, and what must not contradict in it.

import type { OffloadChoice } from "../forwarding/offload/choice";
import { DEFAULT_LIMITS, type Limits } from "../masquerade/limits";
import type { LogLevel } from "../system/log";
import type { Prefix } from "../wire/address";
import { CONFIGURATION_KEYS, limitKey } from "./configuration-keys";
import {
  type Checked,
  clip,
  type DocumentValues,
  loadDocument,
  parseDocument,
  type RawDocument,
  readKeys,
} from "./document";
import { JSON_NULL } from "./json";

export interface Configuration {
  /** Names of the interfaces. */
  readonly lan: string;
  readonly wan: string;
  readonly scope: "vpn" | "all";
  /** Addresses of clients; empty: those of the LAN's own networks, whatever they are. */
  readonly lanNetworks: readonly Prefix[];
  /** Who keeps the kernel's hands off our packets: our nftables table, or somebody else. */
  readonly kernelRules: "nftables" | "none";
  readonly control: string;
  readonly stateDirectory: string;
  /** Undefined: no copy of the snapshot on flash. */
  readonly flashSnapshot: string | undefined;
  readonly flashIntervalMs: number;
  readonly log: "stderr" | "syslog";
  readonly logLevel: LogLevel;
  /** Whom procd is told to be alive, as SERVICE/INSTANCE; undefined: nobody. */
  readonly procdInstance: string | undefined;
  /** Undefined: no heartbeat. */
  readonly heartbeat: string | undefined;
  readonly heartbeatIntervalMs: number;
  /** IPsec peers of the router itself (words): their packets stay with the kernel. */
  readonly ownPeers: readonly number[];
  /** Services of the router itself on its WAN address (`scope all`). */
  readonly ownTcpPorts: readonly number[];
  readonly ownUdpPorts: readonly number[];
  readonly algorithm: "vpnmasq" | "published";
  /** Whether IKE sessions of provably lost tunnels are stopped, so that their clients start new ones. */
  readonly natLossWatch: boolean;
  /** RFC 4787 REQ-8: whom a client's mapping lets in. */
  readonly filtering: "address" | "endpoint";
  /** Frames; a power of two. */
  readonly receiveSlots: number;
  readonly sendSlots: number;
  readonly bypassQueueing: boolean;
  /** Where eBPF may forward what is established. */
  readonly offload: OffloadChoice;
  readonly limits: Limits;
  /** Every key with the value that holds, as in a document: for people and for comparing. */
  readonly effective: Readonly<Record<string, unknown>>;
}

/** Reads and checks a configuration file. */
export function loadConfiguration(path: string): Checked<Configuration> {
  const [document, problems] = loadDocument(path);
  if (document === undefined) return $multi(undefined, problems);
  return readConfiguration(document);
}

/** Checks a configuration document. */
export function checkConfiguration(content: string): Checked<Configuration> {
  const [document, problems] = parseDocument(content);
  if (document === undefined) return $multi(undefined, problems);
  return readConfiguration(document);
}

export function readConfiguration(document: RawDocument): Checked<Configuration> {
  const problems: string[] = [];
  const read = readKeys(document, CONFIGURATION_KEYS, problems);
  if (problems.length > 0) return $multi(undefined, problems);
  const configuration = assemble(read);
  const contradictions = contradictionsOf(configuration);
  if (contradictions.length > 0) return $multi(undefined, contradictions);
  return $multi(configuration, undefined);
}

/** The running configuration with what a reload may change taken from the fresh one. */
export function takeLiveKeys(running: Configuration, fresh: Configuration): Configuration {
  const { lanNetworks, ownPeers, ownTcpPorts, ownUdpPorts, logLevel } = fresh;
  const effective: Record<string, unknown> = { ...running.effective };
  for (const { key, isLive } of CONFIGURATION_KEYS) if (isLive) effective[key] = fresh.effective[key];
  return { ...running, lanNetworks, ownPeers, ownTcpPorts, ownUdpPorts, logLevel, effective };
}

// Meaning

function assemble({ values, effective }: DocumentValues): Configuration {
  const valueOf = <Value>(key: string): Value => values.get(key) as Value;
  const orUndefined = (key: string): string | undefined => {
    const value = valueOf<unknown>(key);
    return value === JSON_NULL ? undefined : (value as string);
  };
  const limits: Limits = { ...DEFAULT_LIMITS };
  for (const field of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) limits[field] = valueOf(limitKey(field));
  return {
    lan: valueOf("lan"),
    wan: valueOf("wan"),
    scope: valueOf("scope"),
    lanNetworks: valueOf("lan_networks"),
    kernelRules: valueOf("kernel_rules"),
    control: valueOf("control"),
    stateDirectory: valueOf("state_directory"),
    flashSnapshot: orUndefined("flash_snapshot"),
    flashIntervalMs: valueOf("flash_interval_s"),
    log: valueOf("log"),
    logLevel: valueOf("log_level"),
    procdInstance: orUndefined("procd_instance"),
    heartbeat: orUndefined("heartbeat"),
    heartbeatIntervalMs: valueOf("heartbeat_interval_s"),
    ownPeers: valueOf("own_peers"),
    ownTcpPorts: valueOf("own_ports.tcp"),
    ownUdpPorts: valueOf("own_ports.udp"),
    algorithm: valueOf("algorithm"),
    natLossWatch: valueOf("nat_loss_watch"),
    filtering: valueOf("filtering"),
    receiveSlots: valueOf("receive_frames"),
    sendSlots: valueOf("send_frames"),
    bypassQueueing: valueOf("bypass_queueing"),
    offload: valueOf("offload"),
    limits,
    effective,
  };
}

/** What must not be larger than what, and what would go wrong. */
const AT_MOST: readonly (readonly [keyof Limits, keyof Limits, string])[] = [
  ["espItemsPerClientMax", "espItemsMax", "one client may not have more than all have"],
  ["ikeItemsPerClientMax", "ikeItemsMax", "one client may not have more than all have"],
  ["flowsPerClientMax", "flowsMax", "one client may not have more than all have"],
  ["icmpQueriesPerClientMax", "icmpQueriesMax", "one client may not have more than all have"],
  ["espOutstandingMs", "espUnconfirmedIdleMs", "an epoch would be forgotten during its turn"],
  ["espUnconfirmedIdleMs", "espIdleMs", "what was never confirmed must not outlive what was"],
  ["relearnMs", "espOutstandingMs", "held packets would outlive the turn they wait for"],
  ["ikeWaitingMs", "ikeOutstandingMs", "a wait must not outlast the session waited for"],
  ["ikeOutstandingMs", "ikeIdleMs", "an unanswered session must not outlive an answered one"],
  ["negotiationMs", "ikeRecentMs", "who negotiates also speaks IKE"],
  ["ikeRecentMs", "ikeIdleMs", "a forgotten session cannot tell who spoke"],
  ["tcpTransitoryIdleMs", "tcpEstablishedIdleMs", "a half-open connection must not outlive an open one"],
];

function contradictionsOf(configuration: Configuration): string[] {
  const { limits, lan, wan } = configuration;
  const problems = lan === wan ? [`lan, wan: both are "${clip(lan)}"; use two interfaces`] : [];
  for (const [smaller, larger, reason] of AT_MOST) {
    if (limits[smaller] <= limits[larger]) continue;
    const names = `${limitKey(smaller)} <= ${limitKey(larger)}`;
    problems.push(`${names} does not hold: ${limits[smaller]} > ${limits[larger]}; ${reason}`);
  }
  return problems;
}
