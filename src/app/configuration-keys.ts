// SPDX-License-Identifier: GPL-2.0-only
// Every key of the router's configuration.

import { OFFLOAD_CHOICES } from "../forwarding/offload/choice";
import { DEFAULT_LIMITS, type Limits } from "../masquerade/limits";
import {
  addresses,
  choice,
  type DocumentKey,
  flag,
  interfaceName,
  key,
  orNull,
  path,
  ports,
  powerOfTwo,
  prefixes,
  procdInstance,
  REQUIRED,
  socketPath,
  when,
  whole,
} from "./document-key";
import { JSON_NULL } from "./json";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The name of a limit in the document: espItemsMax is `limits.esp_items_max`. */
export function limitKey(field: keyof Limits): string {
  const [snake] = string.gsub(field, "%u", (letter) => `_${string.lower(letter)}`);
  return `limits.${snake}`;
}

const SCOPE_ALL = { key: "scope", is: "all" };

/** Limits wait for a restart, which costs no tunnel: tables are allocated when the program starts. */
function size(field: keyof Limits, least: number, most: number, explanation: string): DocumentKey {
  return key(limitKey(field), whole(least, most), DEFAULT_LIMITS[field], explanation);
}

function timer(field: keyof Limits, least: number, most: number, explanation: string): DocumentKey {
  return key(limitKey(field), whole(least, most, "ms"), DEFAULT_LIMITS[field], explanation);
}

export const CONFIGURATION_KEYS: readonly DocumentKey[] = [
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
  key("control", socketPath, "/var/run/vpnmasq/control.sock", "the socket that the other commands ask"),
  key("state_directory", path, "/var/run/vpnmasq", "where the journal of the table is kept; tmpfs"),
  key("flash_snapshot", orNull(path), JSON_NULL, "a copy of the journal that outlives a reboot"),
  ...when({ key: "flash_snapshot" }, [
    key("flash_interval_s", whole(60, 604800, "s", SECOND), 3600, "least time between two copies: flash wears"),
  ]),
  key("log", choice("stderr", "syslog"), "stderr", "where messages go"),
  key(
    "log_level",
    choice("error", "warning", "notice", "info", "debug"),
    "notice",
    "the least important message",
    true,
  ),
  key("heartbeat", orNull(path), JSON_NULL, "where the heartbeat is written: /dev/console, for a supervisor"),
  ...when({ key: "heartbeat" }, [
    key("heartbeat_interval_s", whole(1, 60, "s", SECOND), 3, "time between two heartbeats"),
  ]),
  key("procd_instance", orNull(procdInstance), JSON_NULL, "a service of procd that is to hear that we run"),
  key("own_peers", addresses, [], "IPsec peers of the router itself: their packets stay with the kernel", true),
  ...when(SCOPE_ALL, [
    key("own_ports.tcp", ports, [], "the router's own TCP services on the WAN", true),
    key("own_ports.udp", ports, [], "the router's own UDP services on the WAN", true),
    key("filtering", choice("address", "endpoint"), "address", "whom a mapping lets in (RFC 4787 REQ-8)"),
  ]),
  key("algorithm", choice("vpnmasq", "published"), "vpnmasq", "published: VPN Masquerade alone, to compare with"),
  key("nat_loss_watch", flag, true, "stop IKE of tunnels that lost their way back, so that clients renew it"),
  key("receive_frames", powerOfTwo(64, 16384), 256, "frames that each interface's ring holds, 2 KiB each"),
  key("send_frames", whole(16, 4096), 128, "frames sent with one system call"),
  key("offload", choice(...OFFLOAD_CHOICES), "auto", "eBPF forwards what is established: at XDP, else tcx, else tc"),
  key("bypass_queueing", flag, false, "straight to the driver: faster, but past SQM and tcpdump"),

  size("espItemsMax", 16, 1048576, "ESP items in all"),
  size("espItemsPerClientMax", 4, 1048576, "ESP items of one client"),
  timer("espOutstandingMs", 200, 2 * MINUTE, "Tout: an unanswered epoch makes others wait"),
  size("espOutstandingSendsMax", 1, 255, "Nout: packets it may send while others wait"),
  timer("espIdleMs", 15 * SECOND, 7 * DAY, "Tei: an ESP item without traffic is forgotten"),
  timer("espUnconfirmedIdleMs", SECOND, HOUR, "the same, where the client never sent"),
  size("espServerFirstPerServerMax", 1, 4096, "SPIs a server may open before the client sends"),
  size("multicastClientsMax", 1, 8, "copies of a packet of uncertain owner"),
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
  ...when(SCOPE_ALL, [
    size("flowsMax", 64, 1048576, "sessions of each protocol"),
    size("flowsPerClientMax", 16, 1048576, "sessions of one client, each protocol"),
    size("icmpQueriesMax", 64, 65536, "ICMP queries"),
    size("icmpQueriesPerClientMax", 16, 65536, "ICMP queries of one client"),
    timer("udpIdleMs", 2 * MINUTE, DAY, "RFC 4787 REQ-5"),
    timer("tcpEstablishedIdleMs", 124 * MINUTE, 7 * DAY, "RFC 5382 REQ-5"),
    timer("tcpTransitoryIdleMs", 4 * MINUTE, HOUR, "RFC 5382 REQ-5"),
    timer("icmpQueryIdleMs", MINUTE, HOUR, "RFC 5508 REQ-2"),
  ]),
];
