// SPDX-License-Identifier: GPL-2.0-only
// Every key of an endpoint's configuration, and of each tunnel in it.

import { DEFAULT_SURROUNDINGS } from "../epoch/parameters";
import {
  address,
  choice,
  type DocumentKey,
  flag,
  key,
  type Accepts,
  orNull,
  path,
  prefixes,
  procdInstance,
  REQUIRED,
  socketPath,
  text,
  when,
  whole,
} from "./document-key";
import { JSON_NULL } from "./json";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Names go into messages, the hook's environment and command lines of IKE daemons. */
const tunnelName = text("a name of 1 to 32 letters, digits and . _ -", "^[%w._-]+$", 32);
const connectionName = text("a name of 1 to 100 letters, digits and . _ - /", "^[%w_][%w._/-]*$", 100);

const tunnels: Accepts = {
  accepted: "a list of at least one tunnel, each an object",
  kind: { kind: "other" },
  read: (value) => (type(value) === "table" && next(value as object)[0] === 1 ? value : undefined),
};

function timer(name: string, least: number, most: number, standard: number, explanation: string): DocumentKey {
  return key(`timers.${name}`, whole(least, most, "ms"), standard, explanation);
}

/** A reload takes over all the others. */
const NEEDS_RESTART: readonly string[] = ["control", "log", "procd_instance"];

const KEYS: readonly DocumentKey[] = [
  key("role", choice("client", "server"), "client", "which peer this is: a NAT translates a client's address"),
  key("tunnels", tunnels, REQUIRED, "what to watch: the keys of each are below"),
  key("control", socketPath, "/var/run/vpnmasq/endpoint.sock", "the socket that the other commands ask"),
  key("log", choice("stderr", "syslog"), "stderr", "where messages go"),
  key("log_level", choice("error", "warning", "notice", "info", "debug"), "notice", "the least important message"),
  key("procd_instance", orNull(procdInstance), JSON_NULL, "a service of procd that is to hear that we run"),
  key("hook", orNull(path), JSON_NULL, "a program that is run when a tunnel changes its state"),
  ...when({ key: "hook" }, [key("hook_timeout_s", whole(1, 300, "s", SECOND), 10, "it is killed after this")]),

  key("timers.keylife_s", whole(60, 7 * 86400, "s", SECOND), 28800, "an epoch's life, as the IKE daemon has it"),
  key("timers.margin_s", whole(1, 86400, "s", SECOND), 540, "how long before its end it is replaced, likewise"),
  key("timers.fuzz_percent", whole(0, 400, "%", 0.01), 100, "of the margin, by which that varies, likewise"),
  ...when({ key: "role", is: "client" }, [
    key(
      "timers.client_lead_s",
      orNull(whole(0, 86400, "s", SECOND)),
      JSON_NULL,
      "how much earlier it replaces an epoch than its server; null: 60",
    ),
    key("timers.ignore_server_rekey", flag, false, "stay on the old epoch when the server makes a new one"),
  ]),
  timer("max_idle_ms", 500, DAY, 10 * SECOND, "an idle tunnel that was silent for this long is pinged"),
  timer("traffic_idle_ms", 100, DAY, 500, "one on which packets go out all the time, likewise"),
  timer("ping_time_min_ms", 50, MINUTE, 250, "the shortest wait for the answer to a ping"),
  timer("ping_time_max_ms", 50, MINUTE, SECOND, "the longest"),
  key("timers.ping_tries", whole(1, 100), 6, "pings without an answer until a new epoch is given up"),
  key("timers.probe_tries", whole(1, 100), 5, "the same for one that was answered before"),
  timer("rekey_ms", 500, 5 * MINUTE, 5 * SECOND, "the time a rekey has; then the IKE session is taken for dead"),
  timer("negotiation_ms", 500, 5 * MINUTE, 30 * SECOND, "Tneg: the time a new IKE session has"),

  key(
    "network.nat_outstanding_ms",
    whole(100, 10 * MINUTE, "ms"),
    DEFAULT_SURROUNDINGS.natOutstandingMs,
    "Tout: the router's limits.esp_outstanding_ms",
  ),
  key(
    "network.nat_outstanding_sends",
    whole(1, 255),
    DEFAULT_SURROUNDINGS.natOutstandingSends,
    "Nout: its limits.esp_outstanding_sends_max",
  ),
  key(
    "network.nat_idle_ms",
    whole(SECOND, 7 * DAY, "ms"),
    DEFAULT_SURROUNDINGS.natIdleMs,
    "Tei: its limits.esp_idle_ms",
  ),
  key(
    "network.other_tunnels",
    whole(0, 4096),
    DEFAULT_SURROUNDINGS.otherTunnels,
    "N: other clients' pings that a ping must survive",
  ),
  key(
    "network.drift_ms",
    whole(0, HOUR, "ms"),
    DEFAULT_SURROUNDINGS.driftMs,
    "Tdrift: the peers' clocks, in a keylife",
  ),
  key("network.latency_ms", whole(0, MINUTE, "ms"), DEFAULT_SURROUNDINGS.latencyMs, "Tlat: a packet's longest way"),
];

export const ENDPOINT_KEYS: readonly DocumentKey[] = KEYS.map((one) => ({
  ...one,
  isLive: !NEEDS_RESTART.includes(one.key),
}));

const KEYS_OF_TUNNEL: readonly DocumentKey[] = [
  key("name", tunnelName, REQUIRED, "for people, the hook and `vpnmasq explain`"),
  key("daemon", choice("libreswan", "strongswan"), REQUIRED, "whose tunnel it is"),
  key("connection", connectionName, REQUIRED, "its name there; strongSwan: IKE/CHILD, or one name for both"),
  key(
    "daemon_control",
    orNull(path),
    JSON_NULL,
    "libreswan: its run directory; strongSwan: its VICI socket; null: as usual",
  ),
  key("local", orNull(address), JSON_NULL, "the outer address of this peer; null: any"),
  key("peer", orNull(address), JSON_NULL, "the outer address of the other peer; null: any"),
  key("local_networks", prefixes, [], "what it carries; none: as the daemon's policies in the kernel say"),
  key("remote_networks", prefixes, [], "likewise, of the other side"),
  key("ping_source", orNull(address), JSON_NULL, "an address of this host within the tunnel"),
  key("ping_target", orNull(address), JSON_NULL, "whom to ping within the tunnel; a client must"),
  key(
    "old_epoch_ms",
    orNull(whole(0, DAY, "ms")),
    JSON_NULL,
    "how long the daemon keeps an epoch after its successor; null: 800",
  ),
];

export const TUNNEL_KEYS: readonly DocumentKey[] = KEYS_OF_TUNNEL.map((one) => ({ ...one, isLive: true }));
