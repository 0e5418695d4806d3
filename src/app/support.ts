// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq support`: everything that somebody who helps needs, in one text or document to send.
//
// With masking, every address becomes a name of its own, the same wherever it stands, that tells private from public
// ones; documents are masked before they are laid out, so that columns stay straight.

import { readFile } from "../system/files";
import { wallClockMs } from "../system/clock";
import { parseAddress } from "../wire/address";
import { askRouter } from "./control-client";
import { writeJson } from "./json";
import type { CounterItem } from "./report/decision-report";
import type { ExplainReport } from "./report/explain-report";
import type { StatusReport } from "./report/status-report";
import { TABLE_NAMES, type TableReport } from "./report/table-report";
import { VERSION } from "./version";
import { countersView, explainView } from "./view/explain-view";
import { statusView } from "./view/status-view";
import { tableView } from "./view/table-view";

declare const jit: { readonly version: string; readonly arch: string };

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
}

const KERNEL_VERSION_BYTES_MAX = 1000;
const TABLE_ITEMS_MAX = 1000;

/** Collects the bundle from the router at a control socket, and from the system. */
export function collectSupport(control: string): SupportBundle {
  const [kernel] = readFile("/proc/version", KERNEL_VERSION_BYTES_MAX);
  const bundle: SupportBundle = {
    version: VERSION,
    written: os.date("!%Y-%m-%dT%H:%M:%SZ", Math.floor(wallClockMs() / 1000)),
    kernel: string.gsub(kernel ?? "unknown", "%s+$", "")[0],
    interpreter: `${jit.version} on ${jit.arch}`,
    tables: [],
  };
  const ask = <Reply>(request: object): Reply | undefined => {
    if (bundle.problem !== undefined) return undefined;
    const [reply, problem] = askRouter<Reply>(control, request);
    if (problem !== undefined) bundle.problem = problem;
    return reply;
  };
  bundle.status = ask({ command: "status" });
  bundle.configuration = ask({ command: "configuration" });
  bundle.explain = ask({ command: "explain" });
  bundle.counters = ask<{ counters: CounterItem[] }>({ command: "counters" })?.counters;
  bundle.log = ask<{ lines: string[] }>({ command: "log" })?.lines;
  for (const name of TABLE_NAMES) {
    const report = ask<TableReport>({ command: "table", table: name, limit: TABLE_ITEMS_MAX });
    if (report !== undefined) bundle.tables.push(report);
  }
  return bundle;
}

function section(title: string, lines: readonly string[]): string[] {
  return ["", `== ${title}`, ...lines];
}

export function supportView(bundle: SupportBundle): string[] {
  const { status, configuration, explain, counters, log, problem } = bundle;
  const about = [`vpnmasq ${bundle.version}`, bundle.written, bundle.interpreter, bundle.kernel];
  const lines = section("Program", about);
  if (problem !== undefined) lines.push(...section("Problem", [problem]));
  if (status !== undefined) lines.push(...section("Status", statusView(status)));
  if (configuration !== undefined) {
    const keys = Object.keys(configuration).sort((one, other) => (one < other ? -1 : 1));
    lines.push(
      ...section(
        "Configuration",
        keys.map((key) => `${key} ${writeJson(configuration[key])}`),
      ),
    );
  }
  for (const report of bundle.tables) lines.push(...section(`Table ${report.table}`, tableView(report, undefined)));
  if (explain !== undefined) lines.push(...section("Explain", explainView(explain)));
  if (counters !== undefined) lines.push(...section("Counters", countersView(counters)));
  if (log !== undefined) lines.push(...section("Log", log));
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
