// SPDX-License-Identifier: GPL-2.0-only
// The configuration: one JSON document, checked whole, so that a person sees all mistakes at once.

import { DEFAULT_LIMITS, type Limits } from "../masquerade/limits";
import { readFile } from "../system/files";
import type { LogLevel } from "../system/log";
import type { Prefix } from "../wire/address";
import { CONFIGURATION_KEYS, limitKey } from "./configuration-keys";
import { JSON_NULL, readJson, writeJson } from "./json";
import { nearestName } from "./nearest-name";

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
  /** IPsec peers of the router itself (words): their packets stay with the kernel. */
  readonly ownPeers: readonly number[];
  /** Services of the router itself on its WAN address (`scope all`). */
  readonly ownTcpPorts: readonly number[];
  readonly ownUdpPorts: readonly number[];
  /** RFC 4787 REQ-8: whom a client's mapping lets in. */
  readonly filtering: "address" | "endpoint";
  /** Frames; a power of two. */
  readonly receiveSlots: number;
  readonly sendSlots: number;
  readonly bypassQueueing: boolean;
  readonly limits: Limits;
  /** Every key with the value that holds, as in a document: for people and for comparing. */
  readonly effective: Readonly<Record<string, unknown>>;
}

/** The configuration, or nothing and every problem found, a line each. */
export type CheckedConfiguration = LuaMultiReturn<[Configuration, undefined] | [undefined, string[]]>;

/** A document is a few hundred bytes; what is much longer is another file. */
const FILE_BYTES_MAX = 65536;

/** Reads and checks a configuration file. */
export function loadConfiguration(path: string): CheckedConfiguration {
  const [content, problem] = readFile(path, FILE_BYTES_MAX);
  if (content === undefined) return $multi(undefined, [problem]);
  return checkConfiguration(content);
}

/** Checks a configuration document. */
export function checkConfiguration(content: string): CheckedConfiguration {
  const [document, problem] = readJson(content);
  if (problem !== undefined) return $multi(undefined, [`not JSON: ${problem}`]);
  if (!isObject(document)) return $multi(undefined, ['not an object; use {"lan": "...", "wan": "..."}']);
  const problems: string[] = [];
  const given = flatten(document, problems);
  const values = readValues(given, problems);
  if (problems.length > 0) return $multi(undefined, problems);
  const configuration = assemble(values, given);
  const contradictions = contradictionsOf(configuration);
  if (contradictions.length > 0) return $multi(undefined, contradictions);
  return $multi(configuration, undefined);
}

/** Keys whose change only counts after a restart, of those that differ; the other changes may be taken over at once. */
export function needsRestart(running: Configuration, fresh: Configuration): string[] {
  return CONFIGURATION_KEYS.filter(
    ({ key, isLive }) => !isLive && writeJson(running.effective[key]) !== writeJson(fresh.effective[key]),
  ).map(({ key }) => key);
}

/** The running configuration with what a reload may change taken from the fresh one. */
export function takeLiveKeys(running: Configuration, fresh: Configuration): Configuration {
  const { lanNetworks, ownPeers, ownTcpPorts, ownUdpPorts, logLevel } = fresh;
  const effective: Record<string, unknown> = { ...running.effective };
  for (const { key, isLive } of CONFIGURATION_KEYS) if (isLive) effective[key] = fresh.effective[key];
  return { ...running, lanNetworks, ownPeers, ownTcpPorts, ownUdpPorts, logLevel, effective };
}

// Reading

/** Objects inside the document: what stands before the dot of a key. */
const GROUPS = ["limits", "own_ports"];

function isObject(value: unknown): value is Record<string, unknown> {
  return type(value) === "table" && (value as LuaTable<number, unknown>).get(1) === undefined;
}

/** The document's values by their keys with dots, in order. */
function flatten(document: Record<string, unknown>, problems: string[]): LuaMap<string, unknown> {
  const given = new LuaMap<string, unknown>();
  const take = (key: string, value: unknown): void => {
    if (given.has(key)) problems.push(`${clip(key)}: given twice`);
    else if (isKnown(key, problems)) given.set(key, value);
  };
  for (const name of sortedKeys(document)) {
    const value = document[name];
    if (!GROUPS.includes(name)) take(name, value);
    else if (isObject(value)) for (const inner of sortedKeys(value)) take(`${name}.${inner}`, value[inner]);
    else problems.push(`${name}: ${quote(value)} is not accepted; use an object`);
  }
  return given;
}

function sortedKeys(document: object): string[] {
  return Object.keys(document).sort((one, other) => (one < other ? -1 : 1));
}

function isKnown(name: string, problems: string[]): boolean {
  const known = CONFIGURATION_KEYS.map(({ key }) => key);
  if (known.includes(name)) return true;
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "`vpnmasq check --keys` lists all" : `did you mean "${nearest}"?`;
  problems.push(`${clip(name)}: there is no such key; ${hint}`);
  return false;
}

function readValues(given: LuaMap<string, unknown>, problems: string[]): LuaMap<string, unknown> {
  const values = new LuaMap<string, unknown>();
  for (const { key, accepted, standard, read } of CONFIGURATION_KEYS) {
    const value = given.get(key) ?? standard;
    const result = value === undefined ? undefined : read(value);
    if (value === undefined) problems.push(`${key}: must be given; use ${accepted}`);
    else if (result === undefined) problems.push(`${key}: ${quote(value)} is not accepted; use ${accepted}`);
    else values.set(key, result);
  }
  return values;
}

const SHOWN_BYTES_MAX = 40;

function clip(shown: string): string {
  return string.len(shown) <= SHOWN_BYTES_MAX ? shown : `${string.sub(shown, 1, SHOWN_BYTES_MAX)}...`;
}

/** A value as it stands in the document, cut when it is long. */
function quote(value: unknown): string {
  return clip(writeJson(value));
}

// Meaning

function assemble(values: LuaMap<string, unknown>, given: LuaMap<string, unknown>): Configuration {
  const valueOf = <Value>(key: string): Value => values.get(key) as Value;
  const flash = valueOf<unknown>("flash_snapshot");
  const limits: Limits = { ...DEFAULT_LIMITS };
  for (const field of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) limits[field] = valueOf(limitKey(field));
  const effective: Record<string, unknown> = {};
  for (const { key, standard } of CONFIGURATION_KEYS) effective[key] = given.get(key) ?? standard;
  return {
    lan: valueOf("lan"),
    wan: valueOf("wan"),
    scope: valueOf("scope"),
    lanNetworks: valueOf("lan_networks"),
    kernelRules: valueOf("kernel_rules"),
    control: valueOf("control"),
    stateDirectory: valueOf("state_directory"),
    flashSnapshot: flash === JSON_NULL ? undefined : (flash as string),
    flashIntervalMs: valueOf("flash_interval_s"),
    log: valueOf("log"),
    logLevel: valueOf("log_level"),
    ownPeers: valueOf("own_peers"),
    ownTcpPorts: valueOf("own_ports.tcp"),
    ownUdpPorts: valueOf("own_ports.udp"),
    filtering: valueOf("filtering"),
    receiveSlots: valueOf("receive_frames"),
    sendSlots: valueOf("send_frames"),
    bypassQueueing: valueOf("bypass_queueing"),
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
