// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq check`: what a configuration will do, or what is wrong with it, as a person reads it.

import { formatPrefix } from "../../wire/address";
import type { Configuration } from "../configuration";
import { CONFIGURATION_KEYS } from "../configuration-keys";
import { writeJson } from "../json";
import { formatDuration } from "../text/duration";
import { hang } from "../text/layout";
import { formatCount } from "../text/quantity";
import { alarm } from "./style";

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
function changes({ effective }: Configuration): string {
  const changed: string[] = [];
  for (const { key, standard } of CONFIGURATION_KEYS) {
    const value = writeJson(effective[key]);
    if (standard !== undefined && value !== writeJson(standard)) changed.push(`${key} ${value}`);
  }
  return changed.length === 0 ? "nothing" : changed.join(", ");
}

export function goodConfigurationView(path: string, configuration: Configuration): string[] {
  const { lan, wan, lanNetworks, scope, kernelRules, control } = configuration;
  const networks = lanNetworks.map((prefix) => formatPrefix(prefix)).join(", ");
  const line = (label: string, text: string): string[] => hang(`  ${label}`, text, 15);
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
    ...line("changed", changes(configuration)),
  ];
}

export function badConfigurationView(path: string, problems: readonly string[]): string[] {
  const lines = [alarm(`${path}: ${formatCount(problems.length, "problem")}`)];
  for (const problem of problems) lines.push(...hang("- ", problem, 2));
  return lines;
}

/** Every key, for boards that have no documentation. */
export function keysView(): string[] {
  const lines: string[] = [];
  for (const { key, accepted, standardText, explanation } of CONFIGURATION_KEYS) {
    lines.push(`${key}  (${standardText})`, ...hang("", `${explanation}: ${accepted}`, 4));
  }
  return lines;
}
