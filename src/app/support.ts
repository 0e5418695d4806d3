// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq support`: everything that somebody who helps needs, in one text or document to send: of the router, of the
// endpoint, or of both where they run on one box.
//
// With masking, every address becomes a name of its own, the same wherever it stands, that tells private from public
// ones; documents are masked before they are laid out, so that columns stay straight.

import { readFile } from "../system/files";
import { wallClockMs } from "../system/clock";
import { parseAddress } from "../wire/address";
import { ask, askRouter } from "./control-client";
import { writeJson } from "./json";
import type { CounterItem } from "./report/decision-report";
import type { ExplainReport } from "./report/explain-report";
import type { StatusReport } from "./report/status-report";
import { TABLE_NAMES, type TableReport } from "./report/table-report";
import type { Outcome } from "../system/outcome";
import type { TunnelItem, TunnelsReport } from "./report/tunnel-report";
import { tunnelView } from "./view/tunnels-view";
import { VERSION } from "./version";
import { countersView, explainView } from "./view/explain-view";
import { statusView } from "./view/status-view";
import { tableView } from "./view/table-view";

declare const jit: { readonly version: string; readonly arch: string };

/** Where to ask; undefined: that role is not asked. */
export interface SupportSources {
  readonly router: string | undefined;
  readonly endpoint: string | undefined;
}

/** What the endpoint tells of itself; each part may be missing. */
export interface EndpointSupport {
  problem?: string;
  configuration?: Record<string, unknown> | undefined;
  tunnels?: TunnelsReport | undefined;
  /** Each tunnel, with what happened to it lately. */
  explain: TunnelItem[];
  log?: string[] | undefined;
  /** What the kernel's IPsec refused, by its own names (/proc/net/xfrm_stat); counters that are 0 are left out. */
  kernel_errors: string[];
}

/** Every part may be missing: a router that does not answer is when help is needed most. */
export interface SupportBundle {
  version: string;
  written: string;
  kernel: string;
  interpreter: string;
  problem?: string;
  configuration?: Record<string, unknown> | undefined;
  status?: StatusReport | undefined;
  tables: TableReport[];
  explain?: ExplainReport | undefined;
  counters?: CounterItem[] | undefined;
  log?: string[] | undefined;
  endpoint?: EndpointSupport | undefined;
}

const KERNEL_VERSION_BYTES_MAX = 1000;
const XFRM_STATISTICS_BYTES_MAX = 4000;
const TABLE_ITEMS_MAX = 1000;

/** Collects the bundle from who answers, and from the system. A box whose router answers need not have an endpoint. */
export function collectSupport({ router, endpoint }: SupportSources): SupportBundle {
  const bundle = aboutSystem();
  if (router !== undefined) addRouter(bundle, router);
  const part = endpoint === undefined ? undefined : collectEndpoint(endpoint);
  if (part?.tunnels !== undefined || bundle.status === undefined) bundle.endpoint = part;
  return bundle;
}

function aboutSystem(): SupportBundle {
  const [kernel] = readFile("/proc/version", KERNEL_VERSION_BYTES_MAX);
  return {
    version: VERSION,
    written: os.date("!%Y-%m-%dT%H:%M:%SZ", Math.floor(wallClockMs() / 1000)),
    kernel: string.gsub(kernel ?? "unknown", "%s+$", "")[0],
    interpreter: `${jit.version} on ${jit.arch}`,
    tables: [],
  };
}

type Asker = <Reply>(this: void, request: object) => Reply | undefined;

/** Asks until one question is not answered, whose problem it keeps; then asks no more. */
function asker(part: { problem?: string }, answer: (this: void, request: object) => Outcome<unknown>): Asker {
  return <Reply>(request: object): Reply | undefined => {
    if (part.problem !== undefined) return undefined;
    const [reply, problem] = answer(request);
    if (problem !== undefined) part.problem = problem;
    return reply as Reply | undefined;
  };
}

function addRouter(bundle: SupportBundle, control: string): void {
  const reply = asker(bundle, (request) => askRouter(control, request));
  bundle.status = reply({ command: "status" });
  bundle.configuration = reply({ command: "configuration" });
  bundle.explain = reply({ command: "explain" });
  bundle.counters = reply<{ counters: CounterItem[] }>({ command: "counters" })?.counters;
  bundle.log = reply<{ lines: string[] }>({ command: "log" })?.lines;
  for (const name of TABLE_NAMES) {
    const report = reply<TableReport>({ command: "table", table: name, limit: TABLE_ITEMS_MAX });
    if (report !== undefined) bundle.tables.push(report);
  }
}

function collectEndpoint(control: string): EndpointSupport {
  const part: EndpointSupport = { explain: [], kernel_errors: kernelErrors() };
  const reply = asker(part, (request) => ask("endpoint", control, request));
  part.tunnels = reply({ command: "tunnels", limit: TABLE_ITEMS_MAX });
  part.configuration = reply({ command: "configuration" });
  part.log = reply<{ lines: string[] }>({ command: "log" })?.lines;
  for (const { name } of part.tunnels?.tunnels ?? []) {
    const item = reply<TunnelItem>({ command: "explain", subject: name });
    if (item !== undefined) part.explain.push(item);
  }
  return part;
}

function kernelErrors(): string[] {
  const [text] = readFile("/proc/net/xfrm_stat", XFRM_STATISTICS_BYTES_MAX);
  const errors: string[] = [];
  for (const [name, count] of string.gmatch(text ?? "", "(%S+)[ \t]+(%d+)")) {
    if (tonumber(count) !== 0) errors.push(`${name} ${count}`);
  }
  return errors;
}

function section(title: string, lines: readonly string[]): string[] {
  return ["", `== ${title}`, ...lines];
}

export function supportView(bundle: SupportBundle): string[] {
  const { status, configuration, explain, counters, log, problem, endpoint } = bundle;
  const about = [`vpnmasq ${bundle.version}`, bundle.written, bundle.interpreter, bundle.kernel];
  const lines = section("Program", about);
  if (problem !== undefined) lines.push(...section("Problem", [problem]));
  if (status !== undefined) lines.push(...section("Status", statusView(status)));
  if (configuration !== undefined) lines.push(...section("Configuration", configurationLines(configuration)));
  for (const report of bundle.tables) lines.push(...section(`Table ${report.table}`, tableView(report, undefined)));
  if (explain !== undefined) lines.push(...section("Explain", explainView(explain)));
  if (counters !== undefined) lines.push(...section("Counters", countersView(counters)));
  if (log !== undefined) lines.push(...section("Log", log));
  if (endpoint !== undefined) lines.push(...endpointLines(endpoint));
  return lines;
}

function configurationLines(configuration: Record<string, unknown>): string[] {
  const keys = Object.keys(configuration).sort((one, other) => (one < other ? -1 : 1));
  return keys.map((key) => `${key} ${writeJson(configuration[key])}`);
}

function endpointLines({ problem, configuration, explain, log, kernel_errors }: EndpointSupport): string[] {
  const lines: string[] = [];
  if (problem !== undefined) lines.push(...section("Endpoint: problem", [problem]));
  if (configuration !== undefined) lines.push(...section("Endpoint: configuration", configurationLines(configuration)));
  for (const tunnel of explain) lines.push(...section(`Endpoint: ${tunnel.name}`, tunnelView(tunnel)));
  if (kernel_errors.length > 0) lines.push(...section("Endpoint: what the kernel's IPsec refused", kernel_errors));
  if (log !== undefined) lines.push(...section("Endpoint: log", log));
  return lines;
}

// Masking

/** RFC 1918 and RFC 6598: addresses that say nothing about where one is. */
function isPrivate(address: number): boolean {
  const first = address >>> 24;
  const firstTwo = address >>> 16;
  return (
    first === 10 || first === 127 || firstTwo === 0xc0a8 || firstTwo >>> 4 === 0xac1 || (firstTwo & ~0x3f) === 0x6440
  );
}

/** Gives each address a name and replaces it in every string of a document. */
export class Mask {
  private readonly names = new LuaMap<string, string>();
  private count = 0;

  value<Value>(value: Value): Value {
    if (type(value) === "string") return this.text(value as string) as Value;
    if (type(value) !== "table") return value;
    const masked = new LuaTable<AnyNotNil, unknown>();
    for (const [key, inner] of pairs(value as LuaTable<AnyNotNil, unknown>)) masked.set(key, this.value(inner));
    return masked as Value;
  }

  private text(text: string): string {
    return string.gsub(text, "%d+%.%d+%.%d+%.%d+", (address) => this.name(address))[0];
  }

  private name(address: string): string {
    const word = parseAddress(address);
    if (word === undefined) return address;
    const known = this.names.get(address);
    if (known !== undefined) return known;
    this.count += 1;
    const name = `${isPrivate(word) ? "private" : "public"}-${this.count}`;
    this.names.set(address, name);
    return name;
  }
}
