// SPDX-License-Identifier: GPL-2.0-only
// From /etc/config/vpnmasq to the JSON document of a role, checked: what the init script of OpenWrt gives the daemon.
//
// A section of UCI is the document of a role, a section `tunnel` that of one of the endpoint's tunnels. Nothing is
// checked here that the tables of keys check; their findings are told in UCI's names.

import { crc32 } from "../../masquerade/crc32";
import { unsigned } from "../../wire/word";
import { readConfiguration } from "../configuration";
import { CONFIGURATION_KEYS } from "../configuration-keys";
import { clip, quote } from "../document";
import type { DocumentKey } from "../document-key";
import { readEndpointConfiguration } from "../endpoint-configuration";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../endpoint-keys";
import { writeJson } from "../json";
import type { InterfaceDump } from "./logical-interface";
import type { UciSection } from "./uci-file";
import { optionName, readFlag, valueOfOption } from "./uci-option";

export type UciRole = "router" | "endpoint";

/** What the configuration of a role comes to. */
export type UciResult =
  | { readonly kind: "good"; readonly document: RoleDocument; readonly fingerprint: string }
  | { readonly kind: "wrong"; readonly problems: readonly string[] }
  /** There is no section of the role, or it says so. */
  | { readonly kind: "off" }
  /** Good so far, but an interface is not up. */
  | { readonly kind: "waiting"; readonly reason: string };

type RoleDocument = Record<string, unknown>;

/** What OpenWrt's section types hold besides the document's keys: see `options` in docs/openwrt.md. */
const OWN_OPTIONS: Readonly<Record<UciRole | "tunnel", readonly string[]>> = {
  router: ["enabled"],
  endpoint: ["enabled", "firewall_zone"],
  tunnel: ["enabled"],
};

/** What holds on OpenWrt where nothing is said: its log is syslog's, and procd wants to hear that we run. */
function standardsOf(role: UciRole): RoleDocument {
  return { log: "syslog", procd_instance: `vpnmasq/${role}` };
}

/**
 * The document of a role.
 * @param dump undefined: netifd does not answer
 */
export function readRole(role: UciRole, sections: readonly UciSection[], dump: InterfaceDump | undefined): UciResult {
  const known = ["router", "endpoint", "tunnel"];
  const strange = sections.find(({ type }) => !known.includes(type));
  if (strange !== undefined) {
    const place = strange.name === undefined ? "" : ` ${quote(strange.name)}`;
    return wrong([`vpnmasq: config ${clip(strange.type)}${place}: use config router, endpoint or tunnel`]);
  }
  const ofRole = sections.filter(({ type }) => type === role);
  if (ofRole.length > 1) return wrong([`vpnmasq: ${ofRole.length} sections "config ${role}"; use one`]);
  if (ofRole.length === 0) return { kind: "off" };
  const [section] = ofRole;
  const [isEnabled, problem] = enabled(section, sections);
  if (problem !== undefined) return wrong([problem]);
  if (!isEnabled) return { kind: "off" };
  return role === "router" ? readRouter(section, sections, dump) : readEndpoint(section, sections);
}

function wrong(problems: readonly string[]): UciResult {
  return { kind: "wrong", problems };
}

/** As `uci show` has it; one without a name is counted among all of its type. */
function sectionName(section: UciSection, sections: readonly UciSection[]): string {
  const { type: kind, name } = section;
  if (name !== undefined) return `vpnmasq.${clip(name)}`;
  return `vpnmasq.@${kind}[${sections.filter(({ type }) => type === kind).indexOf(section)}]`;
}

/** A section that is there counts, unless it says no. */
function enabled(
  section: UciSection,
  sections: readonly UciSection[],
): LuaMultiReturn<[boolean, undefined] | [undefined, string]> {
  const value = section.options.get("enabled") ?? "1";
  const answer = typeof value === "string" ? readFlag(value) : undefined;
  if (answer !== undefined) return $multi(answer, undefined);
  return $multi(
    undefined,
    `${sectionName(section, sections)}.enabled: ${writeJson(value)} is not accepted; use 1 or 0`,
  );
}

// The roles

/** The keys of the router that name a logical interface in UCI, and a device in the document. */
const INTERFACES = ["lan", "wan"];

function readRouter(section: UciSection, sections: readonly UciSection[], dump: InterfaceDump | undefined): UciResult {
  const where = sectionName(section, sections);
  const document = documentOf(section, CONFIGURATION_KEYS, standardsOf("router"));
  const [, problems] = readConfiguration(document);
  if (problems !== undefined) return wrong(inTermsOfUci(problems, section, where, CONFIGURATION_KEYS));
  if (dump === undefined)
    return { kind: "waiting", reason: "netifd does not answer `ubus call network.interface dump`" };
  for (const option of INTERFACES) {
    const name = document[option] as string;
    if (!dump.names.includes(name)) {
      const there = dump.names.map((known) => clip(known)).join(", ");
      return wrong([`${where}.${option}: there is no logical interface ${quote(name)}; there are: ${there}`]);
    }
    const device = dump.devices.get(name);
    if (device === undefined) return { kind: "waiting", reason: `the interface ${clip(name)} is not up` };
    document[option] = device;
  }
  // Two logical interfaces may be one device.
  const [configuration, contradictions] = readConfiguration(document);
  if (configuration === undefined) return wrong(inTermsOfUci(contradictions, section, where, CONFIGURATION_KEYS));
  return good(document, CONFIGURATION_KEYS, configuration.effective);
}

function readEndpoint(section: UciSection, sections: readonly UciSection[]): UciResult {
  const tunnels: UciSection[] = [];
  for (const tunnel of sections.filter(({ type }) => type === "tunnel")) {
    const [isEnabled, problem] = enabled(tunnel, sections);
    if (problem !== undefined) return wrong([problem]);
    if (isEnabled) tunnels.push(tunnel);
  }
  const document = documentOf(section, ENDPOINT_KEYS, standardsOf("endpoint"));
  document.tunnels = tunnels.map((tunnel) =>
    documentOf(tunnel, TUNNEL_KEYS, tunnel.name === undefined ? {} : { name: tunnel.name }),
  );
  const [configuration, problems] = readEndpointConfiguration(document);
  if (configuration !== undefined) return good(document, ENDPOINT_KEYS, configuration.effective);
  return wrong(
    problems.flatMap((problem) => {
      const [index, rest] = string.match(problem, "^tunnels%[(%d+)%]%.(.*)$");
      if (index === undefined) return inTermsOfUci([problem], section, sectionName(section, sections), ENDPOINT_KEYS);
      const tunnel = tunnels[tonumber(index)! - 1];
      return inTermsOfUci([rest], tunnel, sectionName(tunnel, sections), TUNNEL_KEYS);
    }),
  );
}

function good(
  document: RoleDocument,
  keys: readonly DocumentKey[],
  effective: Readonly<Record<string, unknown>>,
): UciResult {
  return { kind: "good", document, fingerprint: fingerprintOf(keys, effective) };
}

/** Of all that counts only after a restart: as long as it is the same, a reload is enough. */
function fingerprintOf(keys: readonly DocumentKey[], effective: Readonly<Record<string, unknown>>): string {
  let sum = 0;
  for (const { key, isLive } of keys) if (!isLive) sum = crc32(`${key} ${writeJson(effective[key])}\n`, sum);
  return string.format("%08x", unsigned(sum));
}

// Between the two languages

/** The section as a document; options that no key has are handed on, to be found wrong by their names. */
function documentOf(section: UciSection, keys: readonly DocumentKey[], standards: RoleDocument): RoleDocument {
  const document: RoleDocument = { ...standards };
  const own = OWN_OPTIONS[section.type as UciRole | "tunnel"];
  for (const [name, value] of section.options) {
    const key = keys.find((one) => optionName(one.key) === name);
    if (key !== undefined) setKey(document, key.key, valueOfOption(key, value));
    else if (!own.includes(name)) document[name] = value;
  }
  return document;
}

function setKey(document: RoleDocument, key: string, value: unknown): void {
  const [group, inner] = string.match(key, "^(.-)%.(.*)$");
  if (group === undefined) document[key] = value;
  else document[group] = { ...(document[group] as RoleDocument | undefined), [inner]: value };
}

/** Findings about a document as findings about the section it was made from: `vpnmasq.router.limits_esp_idle_ms: …`. */
function inTermsOfUci(
  problems: readonly string[],
  section: UciSection,
  where: string,
  keys: readonly DocumentKey[],
): string[] {
  return problems.map((problem) => {
    let text = problem;
    for (const { key } of keys) {
      const [pattern] = string.gsub(key, "%W", "%%%0");
      if (optionName(key) !== key) text = string.gsub(text, pattern, optionName(key))[0];
    }
    const [option] = string.match(text, "^([%w_]+): ");
    const isOption = keys.some(({ key }) => optionName(key) === option) || section.options.has(option);
    return isOption ? `${where}.${text}` : `${where}: ${text}`;
  });
}
