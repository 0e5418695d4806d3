// SPDX-License-Identifier: GPL-2.0-only
// What Prometheus scrapes of a router and an endpoint: a collector of OpenWrt's prometheus-node-exporter-lua.
//
// The exporter loads it into PUC Lua 5.1, calls `scrape`, and gives it `metric` and `output`. It asks the control
// sockets, so it costs the router one short reply for each question. Names follow Prometheus's rules: base units,
// `_total` for what only grows.

import type { CounterItem } from "../app/report/decision-report";
import type { HealthReport } from "../app/report/health-report";
import type { LinkStatus, StatusReport } from "../app/report/status-report";
import type { TunnelItem, TunnelsReport } from "../app/report/tunnel-report";

type Labels = Readonly<Record<string, string>>;
type Sample = (this: void, labels: Labels | undefined, value: number | string) => void;

/** The exporter's: begins a family, and returns what adds a sample to it. */
declare function metric(this: void, name: string, type: "counter" | "gauge"): Sample;
/** The exporter's: a line of its reply. */
declare function output(this: void, line: string): void;

/** LuaSocket's, which the exporter needs itself. */
interface Socket {
  settimeout(seconds: number): void;
  connect(path: string): LuaMultiReturn<[number | undefined, string]>;
  send(text: string): number | undefined;
  receive(pattern: string): string | undefined;
  close(): void;
}
/** A table since LuaSocket 3.0, a function in its release candidates. */
type Unix = { readonly stream: (this: void) => Socket } | ((this: void) => Socket);

/** @noSelf */
interface Cjson {
  readonly decode: (text: string) => unknown;
}

const cjson = require("cjson") as Cjson;
const unix = require("socket.unix") as Unix;

const SOCKETS = { router: "/var/run/vpnmasq/control.sock", endpoint: "/var/run/vpnmasq/endpoint.sock" };
type Role = keyof typeof SOCKETS;
const ROLES: readonly Role[] = ["router", "endpoint"];

/** Of a scrape, which Prometheus bounds at 10 s unless told otherwise; two programs may hang. */
const TIMEOUT_S = 2;
/** Tunnels of an endpoint that are reported: a series for each, so it is bounded. */
const TUNNELS_MAX = 100;

/** Asks once. @returns the reply, or why there is none: "absent" when nobody has ever listened there */
function ask<Reply>(role: Role, request: string): Reply | "absent" | "silent" {
  const socket =
    type(unix) === "table" ? (unix as { stream: (this: void) => Socket }).stream() : (unix as () => Socket)();
  socket.settimeout(TIMEOUT_S);
  const [isConnected, problem] = socket.connect(SOCKETS[role]);
  if (isConnected === undefined) {
    socket.close();
    return string.find(problem, "No such file", 1, true)[0] === undefined ? "silent" : "absent";
  }
  socket.send(`${request}\n`);
  const line = socket.receive("*l");
  socket.close();
  if (line === undefined) return "silent";
  const [isGood, reply] = pcall(cjson.decode, line);
  return isGood && type(reply) === "table" && (reply as { error?: string }).error === undefined
    ? (reply as Reply)
    : "silent";
}

/** The exporter writes labels as they are. */
function escaped(text: string): string {
  return string.gsub(text, '[\\"\n]', { "\\": "\\\\", '"': '\\"', "\n": "\\n" })[0];
}

/** Counts keep all their digits: Lua itself writes fourteen. */
function whole(value: number): string {
  return string.format("%.0f", value);
}

function family(name: string, kind: "counter" | "gauge", help: string): Sample {
  output(`# HELP vpnmasq_${name} ${help}`);
  return metric(`vpnmasq_${name}`, kind);
}

function gauge(name: string, help: string, value: number | string): void {
  family(name, "gauge", help)(undefined, value);
}

// The router

type Links = readonly (readonly [Labels, LinkStatus])[];

function linkCounter(
  links: Links,
  name: string,
  help: string,
  field: "bytes_in" | "bytes_out" | "frames_in" | "frames_out" | "dropped",
): void {
  const sample = family(name, "counter", help);
  for (const [labels, link] of links) sample(labels, whole(link[field]));
}

function linkMetrics({ lan, wan }: StatusReport): void {
  const links: Links = [
    [{ side: "lan", device: escaped(lan.name) }, lan],
    [{ side: "wan", device: escaped(wan.name) }, wan],
  ];
  const up = family("link_up", "gauge", "Whether the interface is there and up.");
  for (const [labels, link] of links) up(labels, link.present && link.up ? 1 : 0);
  linkCounter(links, "link_receive_bytes_total", "Bytes taken from the interface.", "bytes_in");
  linkCounter(links, "link_transmit_bytes_total", "Bytes sent through the interface.", "bytes_out");
  linkCounter(links, "link_receive_frames_total", "Frames taken from the interface.", "frames_in");
  linkCounter(links, "link_transmit_frames_total", "Frames sent through the interface.", "frames_out");
  linkCounter(links, "link_dropped_frames_total", "Frames that the kernel had no room for.", "dropped");
}

function tableMetrics({ esp, ike, flows, held_packets }: StatusReport): void {
  const items = family("esp_items", "gauge", "ESP items by phase.");
  for (const phase of ["established", "outstanding", "waiting"] as const) items({ phase }, esp[phase]);
  gauge("esp_items_limit", "ESP items there is room for.", esp.capacity);
  gauge("ike_sessions", "IKE sessions.", ike.total);
  gauge("ike_sessions_limit", "IKE sessions there is room for.", ike.capacity);
  gauge("held_packets", "Packets that wait for their turn.", held_packets);
  if (flows === undefined) return;
  const sessions = family("flows", "gauge", "Sessions of scope all by protocol.");
  for (const protocol of ["tcp", "udp", "icmp"] as const) sessions({ protocol }, flows[protocol]);
}

/** One series a state, as Prometheus has it for what is one of several. */
function healthMetrics(): void {
  const report = ask<HealthReport>("router", '{"command":"health"}');
  if (typeof report === "string") return;
  const health = family("health", "gauge", "Whether the router truly forwards: 1 at the state that holds.");
  for (const state of ["ok", "degraded", "wedged"]) health({ state }, report.health === state ? 1 : 0);
}

function routerMetrics(status: StatusReport): void {
  family("info", "gauge", "The program that runs.")({ version: status.version, scope: status.scope }, 1);
  gauge("uptime_seconds", "Time since the router started.", status.uptime_ms / 1000);
  gauge("resident_memory_bytes", "Memory of the router.", whole(status.resident_bytes));
  const isRefused = status.reload?.ok === false;
  gauge("reload_successful", "Whether the last reload took the new configuration.", isRefused ? 0 : 1);
  healthMetrics();
  linkMetrics(status);
  tableMetrics(status);
  const counted = ask<{ counters: CounterItem[] }>("router", '{"command":"counters"}');
  if (typeof counted === "string") return;
  const packets = family("packets_total", "counter", "Packets by what became of them.");
  for (const { reason, packets: count } of counted.counters) packets({ reason }, whole(count));
}

// The endpoint

function endpointMetrics({ tunnels }: TunnelsReport): void {
  const each = (
    name: string,
    kind: "counter" | "gauge",
    help: string,
    value: (of: TunnelItem) => number | undefined,
  ): void => {
    const sample = family(name, kind, help);
    for (const tunnel of tunnels) {
      const present = value(tunnel);
      if (present !== undefined) sample({ tunnel: tunnel.name }, present);
    }
  };
  const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
  each("tunnel_up", "gauge", "Whether the tunnel carries data.", ({ state }) => (state === "up" ? 1 : 0));
  each("tunnel_round_trip_seconds", "gauge", "The last pings' round-trip time.", (of) => seconds(of.round_trip_ms));
  each("tunnel_outage_seconds", "gauge", "How long the present outage lasts.", (of) => seconds(of.outage?.age_ms ?? 0));
  each("tunnel_recoveries_total", "counter", "Outages that were ended.", ({ recoveries }) => recoveries);
  each("tunnel_pings_total", "counter", "Pings sent.", ({ pings_sent }) => pings_sent);
  each("tunnel_held_seconds_total", "counter", "Time in which data was held.", ({ hold }) => seconds(hold.held_ms));
}

/** Called by the exporter for each scrape. */
export function scrape(this: void): void {
  const status = ask<StatusReport>("router", '{"command":"status"}');
  const tunnels = ask<TunnelsReport>("endpoint", `{"command":"tunnels","limit":${TUNNELS_MAX}}`);
  const replies = { router: status, endpoint: tunnels };
  const up = family("up", "gauge", "Whether the program answers.");
  const isNothingThere = status === "absent" && tunnels === "absent";
  for (const role of ROLES) {
    const reply = replies[role];
    // Who runs but one role is not told that the other is down.
    if (reply !== "absent" || (isNothingThere && role === "router")) up({ role }, typeof reply === "string" ? 0 : 1);
  }
  if (typeof status !== "string") routerMetrics(status);
  if (typeof tunnels !== "string") endpointMetrics(tunnels);
}
