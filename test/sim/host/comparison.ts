// SPDX-License-Identifier: GPL-2.0-only
// The comparison of NATs with and without the watchdog: mishaps weighed by how often they happen, a table and a plot.

import fs from "node:fs";
import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { type Bar, plot } from "./plot.js";
import { performAll } from "./simulator.js";

/** What test/sim/compare.ts gives. */
interface Compared {
  readonly recoveriesMs: readonly number[] | Record<string, never>;
  readonly dead: number;
  readonly watchedMs: number;
  readonly deadMs: number;
  readonly lookedAtMs: number;
}

const NATS = {
  vpnmasq: "vpnmasq",
  hardin: "VPN Masquerade",
  "drop-oldest": "drop-oldest",
  conntrack: "conntrack",
} as const;
const WATCHINGS = { none: "no watchdog", clients: "at clients", both: "at both ends" } as const;

/**
 * How often a site meets each in a year: a power cut or upgrade of the router a month, a new public address a week (as
 * DSL lines get them), a server restarted each month, an outage of minutes each week. Renewals go on all the time.
 */
const PER_YEAR = { reboot: 12, address: 52, server: 12, outage: 52 } as const;

type Nat = keyof typeof NATS;
type Watching = keyof typeof WATCHINGS;
type Mishap = keyof typeof PER_YEAR;

const MISHAPS = Object.keys(PER_YEAR) as Mishap[];
const HOUR_MS = 3_600_000;
const HOURS_IN_THOUSAND_YEARS = 8766 * 1000;
/** Hours of renewals that a NAT is looked at for, where the mishaps' samples are so many. */
const RENEWAL_SAMPLES_SHARE = 0.25;
const PLOT = "docs/recovery.svg";

interface Row {
  readonly nat: Nat;
  readonly watching: Watching;
  /** Of the tunnels that work again. */
  readonly recoveriesMs: readonly number[];
  readonly deadShare: number;
  readonly deadHours: number;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The Lua side's JSON library writes an empty list as an empty object. */
function listOf(recoveriesMs: Compared["recoveriesMs"]): number[] {
  return Object.values<number>(recoveriesMs);
}

/** A tunnel that is still dead at the end of its run counts as dead for just as long as it was looked at. */
function rowOf(nat: Nat, watching: Watching, renewals: Compared, mishaps: ReadonlyMap<Mishap, Compared>): Row {
  const recoveriesMs: number[] = [];
  let [tunnels, dead] = [0, 0];
  let deadHours = (HOURS_IN_THOUSAND_YEARS * renewals.deadMs) / renewals.lookedAtMs;
  for (const [mishap, compared] of mishaps) {
    const recovered = listOf(compared.recoveriesMs);
    const count = recovered.length + compared.dead;
    const sumMs = recovered.reduce((sum, ms) => sum + ms, 0) + compared.dead * compared.watchedMs;
    deadHours += (1000 * PER_YEAR[mishap] * sumMs) / count / HOUR_MS;
    for (const ms of recovered) recoveriesMs.push(ms);
    tunnels += count;
    dead += compared.dead;
  }
  recoveriesMs.sort((one, other) => one - other);
  return {
    nat,
    watching,
    recoveriesMs,
    deadShare: dead / tunnels,
    deadHours: Math.min(deadHours, HOURS_IN_THOUSAND_YEARS),
  };
}

function seconds(ms: number): string {
  return Number.isNaN(ms) ? "-" : (ms / 1000).toFixed(1);
}

function tableOf(rows: readonly Row[]): string {
  const columns = [16, 14, 9, 9, 10, 9, 12];
  const head = ["NAT", "watchdog", "p50 s", "p99 s", "max s", "never %", "dead h"];
  const cells = rows.map(({ nat, watching, recoveriesMs, deadShare, deadHours }) => [
    NATS[nat],
    WATCHINGS[watching],
    seconds(quantile(recoveriesMs, 0.5)),
    seconds(quantile(recoveriesMs, 0.99)),
    seconds(quantile(recoveriesMs, 1)),
    (100 * deadShare).toFixed(1),
    Math.round(deadHours).toLocaleString("en-GB").replaceAll(",", " "),
  ]);
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at < 2 ? cell.padEnd(columns[at] ?? 0) : cell.padStart(columns[at] ?? 0))).join("");
  return [line(head), ...cells.map(line)].join("\n");
}

function figuresOf(rows: readonly Row[]): Record<string, Figure> {
  const figures: Record<string, Figure> = {};
  for (const { nat, watching, recoveriesMs, deadShare, deadHours } of rows) {
    const name = `${nat}.${watching}`;
    figures[`${name}_dead`] = { value: deadHours, unit: "h" };
    figures[`${name}_never`] = { value: 100 * deadShare, unit: "%" };
    if (recoveriesMs.length === 0) continue;
    for (const [suffix, share] of Object.entries({ p50: 0.5, p99: 0.99, max: 1 })) {
      figures[`${name}_${suffix}`] = { value: quantile(recoveriesMs, share) / 1000, unit: "s" };
    }
  }
  return figures;
}

/** @param samples mishaps of each kind, for each NAT and place of the watchdog */
export async function compareAll(samples: number, progress: (text: string) => void): Promise<ResultDocument> {
  const kinds = (Object.keys(NATS) as Nat[]).flatMap((nat) =>
    (Object.keys(WATCHINGS) as Watching[]).map((watching) => ({ nat, watching })),
  );
  const renewals = Math.ceil(samples * RENEWAL_SAMPLES_SHARE);
  const tasks = kinds.flatMap((kind) => [
    { task: "compare", ...kind, mishap: "renewals", samples: renewals, seed: 1 },
    ...MISHAPS.map((mishap, index) => ({ task: "compare", ...kind, mishap, samples, seed: 1000 * (index + 1) })),
  ]);
  let done = 0;
  const results = await performAll<Compared>(tasks, () => {
    done += 1;
    progress(`${String(done)} of ${String(tasks.length)} comparisons`);
  });
  const rows = kinds.map(({ nat, watching }) => {
    const [first, ...rest] = results.splice(0, 1 + MISHAPS.length) as [Compared, ...Compared[]];
    const mishaps = new Map(rest.map((compared, index) => [MISHAPS[index], compared]));
    return rowOf(nat, watching, first, mishaps);
  });
  const bars = rows.map(({ nat, watching, deadHours }): Bar => ({
    group: NATS[nat],
    label: WATCHINGS[watching],
    value: deadHours,
  }));
  fs.writeFileSync(PLOT, plot("Hours of dead tunnel in a thousand tunnel-years", bars));
  const notes = [tableOf(rows), `The plot is ${PLOT}. "dead h": hours of dead tunnel in a thousand tunnel-years.`];
  return { name: "sim-compare", ok: true, figures: figuresOf(rows), notes };
}
