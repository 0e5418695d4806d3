// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq check`: what a configuration will do, or what is wrong with it, as a person reads it.

import { formatAddress, formatPrefix } from "../../wire/address";
import type { Configuration } from "../configuration";
import { CONFIGURATION_KEYS } from "../configuration-keys";
import type { DocumentKey } from "../document-key";
import type { EndpointConfiguration, TunnelConfiguration } from "../endpoint-configuration";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../endpoint-keys";
import { writeJson } from "../json";
import { formatDuration } from "../text/duration";
import { hang } from "../text/layout";
import { formatCount } from "../text/quantity";
import { alarm, heading } from "./style";

const SCOPES = {
  vpn: "IKE and ESP; everything else stays the kernel's",
  all: "IKE, ESP, TCP, UDP and ICMP",
};

function snapshotText({ stateDirectory, flashSnapshot, flashIntervalMs }: Configuration): string {
  const journal = `journal in ${stateDirectory}`;
  if (flashSnapshot === undefined) return `${journal}; none on flash: a reboot forgets it`;
  return `${journal}; copied to ${flashSnapshot} at most every ${formatDuration(flashIntervalMs)}`;
}

/** Keys whose values are not the standard ones. */
function changes(keys: readonly DocumentKey[], effective: Configuration["effective"]): string {
  const changed: string[] = [];
  for (const { key, standard } of keys) {
    const value = writeJson(effective[key]);
    if (standard !== undefined && value !== writeJson(standard)) changed.push(`${key} ${value}`);
  }
  return changed.length === 0 ? "nothing" : changed.join(", ");
}

const LABEL_COLUMNS = 15;

function line(label: string, text: string): string[] {
  return hang(`  ${label}`, text, LABEL_COLUMNS);
}

export function goodConfigurationView(path: string, configuration: Configuration): string[] {
  const { lan, wan, lanNetworks, scope, kernelRules, control } = configuration;
  const networks = lanNetworks.map((prefix) => formatPrefix(prefix)).join(", ");
  return [
    `${path} is good:`,
    ...line("masquerades", SCOPES[scope]),
    ...line("clients", `${networks === "" ? "the networks of the interface's addresses" : networks}, on ${lan}`),
    ...line("servers", `behind ${wan}`),
    ...line(
      "kernel",
      kernelRules === "nftables" ? "kept off these packets by a table of nftables" : "somebody else's rules",
    ),
    ...line("snapshot", snapshotText(configuration)),
    ...line("control", control),
    ...line("changed", changes(CONFIGURATION_KEYS, configuration.effective)),
  ];
}

function tunnelText({ daemon, connection, peer, remoteNetworks, ping }: TunnelConfiguration): string {
  const networks = remoteNetworks.map((prefix) => formatPrefix(prefix)).join(", ");
  const carried = networks === "" ? "what the daemon's policies say" : networks;
  const pinged =
    ping === undefined ? "no pings" : `pings ${formatAddress(ping.target)} from ${formatAddress(ping.source)}`;
  return `${daemon} connection ${connection}, peer ${peer === undefined ? "any" : formatAddress(peer)}; ${carried}; ${pinged}`;
}

export function goodEndpointView(path: string, configuration: EndpointConfiguration): string[] {
  const { role, tunnels, hook, control, effective } = configuration;
  return [
    `${path} is good:`,
    ...line("watches", `${formatCount(tunnels.length, "tunnel")} as the ${role}`),
    ...tunnels.flatMap((tunnel) => line(tunnel.name, tunnelText(tunnel))),
    ...line("hook", hook ?? "none"),
    ...line("control", control),
    ...line("changed", changes(ENDPOINT_KEYS, effective)),
  ];
}

/** What was said about a good configuration when it was made. */
export function notesView(notes: readonly string[]): string[] {
  return notes.flatMap((note) => line("note", note)).map((text) => alarm(text));
}

export function badConfigurationView(path: string, problems: readonly string[]): string[] {
  const lines = [alarm(`${path}: ${formatCount(problems.length, "problem")}`)];
  for (const problem of problems) lines.push(...hang("- ", problem, 2));
  return lines;
}

const KEY_TABLES = [
  { title: "Router", keys: CONFIGURATION_KEYS },
  { title: "Endpoint", keys: ENDPOINT_KEYS },
  { title: "Each tunnel of an endpoint", keys: TUNNEL_KEYS },
];

/** Every key, for boards that have no documentation. */
export function keysView(): string[] {
  const lines: string[] = [];
  for (const { title, keys } of KEY_TABLES) {
    if (lines.length > 0) lines.push("");
    lines.push(heading(title));
    for (const { key, accepted, standardText, explanation } of keys) {
      lines.push(`${key}  (${standardText})`, ...hang("", `${explanation}: ${accepted}`, 4));
    }
  }
  return lines;
}
