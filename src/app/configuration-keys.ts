// SPDX-License-Identifier: GPL-2.0-only
// Every key of the configuration: what it accepts, what holds when it is absent, and what it is for.
//
// This table is the only description: documents are checked by it, errors quote it, and docs/configuration.md and
// `vpnmasq check --keys` are its text.

import { DEFAULT_LIMITS, type Limits } from "../masquerade/limits";
import { parseAddress, parsePrefix, PREFIX_ACCEPTED } from "../wire/address";
import { JSON_NULL, writeJson } from "./json";

export interface ConfigurationKey {
  /** As in the document; a dot leads into an inner object. */
  readonly key: string;
  /** What may stand there, to follow "use ". */
  readonly accepted: string;
  /** The value to work with; undefined when what stands there is not accepted. */
  readonly read: (value: unknown) => unknown;
  /** As in a document; undefined: the key must be given. */
  readonly standard: unknown;
  /** The standard value as text. */
  readonly standardText: string;
  readonly explanation: string;
  /** Whether a reload takes a change over; else it waits for a restart. */
  readonly isLive: boolean;
}

type Accepts = Pick<ConfigurationKey, "accepted" | "read">;

function choice(...values: readonly string[]): Accepts {
  const quoted = values.map((value) => `"${value}"`);
  const accepted = `${quoted.slice(0, -1).join(", ")} or ${quoted[quoted.length - 1]}`;
  return { accepted, read: (value) => values.find((one) => one === value) };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return (
    type(value) === "number" &&
    (value as number) >= least &&
    (value as number) <= most &&
    Math.floor(value as number) === value
  );
}

/** @param unit of the document's number @param factor turns it into the unit the program works with */
function whole(least: number, most: number, unit = "", factor = 1): Accepts {
  const range = string.format("a whole number from %d to %d", least, most);
  return {
    accepted: unit === "" ? range : `${range} (${unit})`,
    read: (value) => (isWhole(value, least, most) ? value * factor : undefined),
  };
}

function powerOfTwo(least: number, most: number): Accepts {
  return {
    accepted: `a power of two from ${least} to ${most}`,
    read: (value) => (isWhole(value, least, most) && (value & (value - 1)) === 0 ? value : undefined),
  };
}

/** Text that matches a Lua pattern and is not too long. */
function text(accepted: string, pattern: string, bytesMax: number): Accepts {
  const isGood = (value: unknown): value is string =>
    type(value) === "string" &&
    string.len(value as string) <= bytesMax &&
    string.match(value as string, pattern)[0] !== undefined;
  return { accepted, read: (value) => (isGood(value) ? value : undefined) };
}

/** A list, each of whose entries is accepted. */
function list(accepted: string, readEntry: (value: unknown) => unknown): Accepts {
  const read = (value: unknown): unknown => {
    if (type(value) !== "table") return undefined;
    const entries: unknown[] = [];
    for (const [key, entry] of pairs(value as LuaTable)) {
      const result = type(key) === "number" ? readEntry(entry) : undefined;
      if (result === undefined) return undefined;
      entries.push(result);
    }
    return entries;
  };
  return { accepted, read: (value) => read(value) };
}

const flag: Accepts = { accepted: "true or false", read: (value) => (type(value) === "boolean" ? value : undefined) };

function orNull(inner: Accepts): Accepts {
  return {
    accepted: `${inner.accepted}, or null`,
    read: (value) => (value === JSON_NULL ? JSON_NULL : inner.read(value)),
  };
}

/** linux/if.h: IFNAMSIZ is 16 with the ending zero; the kernel refuses "/" and white space. */
const interfaceName = text('an interface name, 1 to 15 characters, as "eth0"', "^[^/%s%c]+$", 15);
/** linux/un.h: a socket's path has 108 bytes with the ending zero. */
const socketPath = text("an absolute path of at most 107 bytes", "^/[^%c]+$", 107);
const path = text("an absolute path", "^/[^%c]+$", 1000);
const ports = list("a list of port numbers, 1 to 65535", (value) => (isWhole(value, 1, 0xffff) ? value : undefined));
const addresses = list("a list of IPv4 addresses", (value) =>
  type(value) === "string" ? parseAddress(value as string) : undefined,
);
const prefixes = list(`a list of networks, each ${PREFIX_ACCEPTED}`, (value) =>
  type(value) === "string" ? parsePrefix(value as string) : undefined,
);

const REQUIRED = undefined;

function key(name: string, accepts: Accepts, standard: unknown, explanation: string, isLive = false): ConfigurationKey {
  const standardText = standard === REQUIRED ? "must be given" : writeJson(standard);
  return { key: name, ...accepts, standard, standardText, explanation, isLive };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The name of a limit in the document: espItemsMax is `limits.esp_items_max`. */
export function limitKey(field: keyof Limits): string {
  const [snake] = string.gsub(field, "%u", (letter) => `_${string.lower(letter)}`);
  return `limits.${snake}`;
}

/** Limits wait for a restart, which costs no tunnel: tables are allocated when the program starts. */
function size(field: keyof Limits, least: number, most: number, explanation: string): ConfigurationKey {
  return key(limitKey(field), whole(least, most), DEFAULT_LIMITS[field], explanation);
}

function timer(field: keyof Limits, least: number, most: number, explanation: string): ConfigurationKey {
  return key(limitKey(field), whole(least, most, "ms"), DEFAULT_LIMITS[field], explanation);
}

export const CONFIGURATION_KEYS: readonly ConfigurationKey[] = [
  key("lan", interfaceName, REQUIRED, "the clients' side"),
  key("wan", interfaceName, REQUIRED, "the servers' side"),
  key("scope", choice("vpn", "all"), "vpn", "IKE and ESP only, or TCP, UDP and ICMP too"),
  key("lan_networks", prefixes, [], "the clients' networks; none: those of the LAN's addresses", true),
  key(
    "kernel_rules",
    choice("nftables", "none"),
    "nftables",
    "who keeps the kernel off our packets: we, or somebody else",
  ),
  key("control", socketPath, "/run/vpnmasq/control.sock", "the socket that the other commands ask"),
  key("state_directory", path, "/run/vpnmasq", "where the journal of the table is kept; tmpfs"),
  key("flash_snapshot", orNull(path), JSON_NULL, "a copy of the journal that outlives a reboot"),
  key("flash_interval_s", whole(60, 604800, "s", SECOND), 3600, "least time between two copies: flash wears"),
  key("log", choice("stderr", "syslog"), "stderr", "where messages go"),
  key(
    "log_level",
    choice("error", "warning", "notice", "info", "debug"),
    "notice",
    "the least important message",
    true,
  ),
  key("own_peers", addresses, [], "IPsec peers of the router itself: their packets stay with the kernel", true),
  key("own_ports.tcp", ports, [], "scope all: the router's own TCP services on the WAN", true),
  key("own_ports.udp", ports, [], "scope all: the router's own UDP services on the WAN", true),
  key("filtering", choice("address", "endpoint"), "address", "scope all: whom a mapping lets in (RFC 4787 REQ-8)"),
  key("receive_frames", powerOfTwo(64, 16384), 512, "frames that each interface's ring holds, 2 KiB each"),
  key("send_frames", whole(16, 4096), 128, "frames sent with one system call"),
  key("bypass_queueing", flag, false, "straight to the driver: faster, but past SQM and tcpdump"),

  size("espItemsMax", 16, 1048576, "ESP items in all"),
  size("espItemsPerClientMax", 4, 1048576, "ESP items of one client"),
  timer("espOutstandingMs", 200, 2 * MINUTE, "Tout: an unanswered epoch makes others wait"),
  size("espOutstandingSendsMax", 1, 255, "Nout: packets it may send while others wait"),
  timer("espIdleMs", 15 * SECOND, 7 * DAY, "Tei: an ESP item without traffic is forgotten"),
  timer("espUnconfirmedIdleMs", SECOND, HOUR, "the same, where the client never sent"),
  size("espServerFirstPerServerMax", 1, 4096, "SPIs a server may open before the client sends"),
  size("multicastClientsMax", 1, 64, "copies of a packet of uncertain owner"),
  size("unknownSpiPerSecondMax", 1, 100000, "packets a second of unknown SPIs, for each server"),
  timer("relearnMs", 0, 10 * SECOND, "listen before sending after a start without memory"),
  size("waitingPerServerMax", 1, 4096, "clients that wait for their turn at one server"),
  size("ikeItemsMax", 16, 65536, "IKE sessions in all"),
  size("ikeItemsPerClientMax", 2, 65536, "IKE sessions of one client"),
  timer("ikeOutstandingMs", 10 * SECOND, HOUR, "an unanswered IKE session is forgotten"),
  timer("ikeWaitingMs", SECOND, 10 * MINUTE, "a wait behind an equal initiator cookie ends"),
  timer("ikeIdleMs", MINUTE, 30 * DAY, "an IKE session without traffic is forgotten"),
  timer("ikeMoveQuietMs", SECOND, HOUR, "silence after which a session may change its client"),
  timer("negotiationMs", SECOND, 5 * MINUTE, "who negotiated this recently may own a new SPI"),
  timer("ikeRecentMs", 10 * SECOND, DAY, "who spoke IKE this recently may own an unknown SPI"),
  size("fragmentDatagramsMax", 8, 65536, "fragmented datagrams under way"),
  timer("fragmentMs", SECOND, MINUTE, "the time a datagram's fragments have"),
  size("fragmentsHeldPerDatagramMax", 1, 64, "fragments held until the first one comes"),
  size("icmpErrorsPerSecondMax", 1, 100000, "ICMP errors translated in a second"),
  size("flowsMax", 64, 1048576, "scope all: sessions of each protocol"),
  size("flowsPerClientMax", 16, 1048576, "scope all: sessions of one client, each protocol"),
  size("icmpQueriesMax", 64, 65536, "scope all: ICMP queries"),
  size("icmpQueriesPerClientMax", 16, 65536, "scope all: ICMP queries of one client"),
  timer("udpIdleMs", 2 * MINUTE, DAY, "scope all: RFC 4787 REQ-5"),
  timer("tcpEstablishedIdleMs", 124 * MINUTE, 7 * DAY, "scope all: RFC 5382 REQ-5"),
  timer("tcpTransitoryIdleMs", 4 * MINUTE, HOUR, "scope all: RFC 5382 REQ-5"),
  timer("icmpQueryIdleMs", MINUTE, HOUR, "scope all: RFC 5508 REQ-2"),
];
