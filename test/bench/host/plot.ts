// SPDX-License-Identifier: GPL-2.0-only
// The figures of `offload` as a picture: what a packet costs on each way, and how long it is under way under load.
//
// Two panels of rows, a way each. Drawn by hand, for a plotting library would bring a browser's document model with it.

import type { ResultDocument } from "../../../src/host/document.js";

type Figures = ResultDocument["figures"];

/** Ways in the order in which they are drawn, as people call them. */
const WAYS: readonly (readonly [way: string, title: string])[] = [
  ["kernel", "Kernel: plain forwarding"],
  ["masquerade", "Kernel: masquerade (conntrack)"],
  ["flowtable", "Kernel: flow table"],
  ["stateless", "Kernel: nft stateless map"],
  ["userspace", "vpnmasq: its process"],
  ["tcx", "vpnmasq: eBPF at tcx"],
  ["xdp", "vpnmasq: eBPF at XDP"],
];

const WIDTH = 760;
const LABELS_WIDTH = 230;
const CHART_WIDTH = 430;
const TITLE_HEIGHT = 44;
const BAR_HEIGHT = 14;
const ROW_GAP = 12;
const AXIS_HEIGHT = 34;
const INK = "#24292f";
const FAINT = "#d0d7de";
const COLOURS = ["#0a7ea4", "#e07a1f", "#8250df"];

interface Row {
  readonly title: string;
  readonly values: readonly number[];
}

interface Panel {
  readonly title: string;
  /** Of the values of each row. */
  readonly legend: readonly string[];
  readonly rows: readonly Row[];
  readonly unit: string;
  /** From 0 to 1 across the chart. */
  readonly scale: (value: number) => number;
  readonly ticks: readonly number[];
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function text(x: number, y: number, words: string, more = ""): string {
  return `<text x="${x}" y="${y}" ${more}>${escaped(words)}</text>`;
}

function bar(x: number, y: number, width: number, colour: string): string {
  return `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${colour}"/>`;
}

function shown(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}

function drawRow({ title, values }: Row, y: number, { scale }: Panel): string[] {
  const middle = y + (values.length * BAR_HEIGHT) / 2 + 4;
  const bars = values.flatMap((value, index) => {
    const top = y + index * BAR_HEIGHT;
    const width = scale(value) * CHART_WIDTH;
    return [
      bar(LABELS_WIDTH, top, width, COLOURS[index]),
      text(LABELS_WIDTH + width + 5, top + BAR_HEIGHT - 3, shown(value), 'class="small"'),
    ];
  });
  return [text(LABELS_WIDTH - 10, middle, title, 'text-anchor="end"'), ...bars];
}

function drawAxis({ ticks, scale, unit }: Panel, top: number, bottom: number): string[] {
  const lines = ticks.flatMap((tick) => {
    const x = (LABELS_WIDTH + scale(tick) * CHART_WIDTH).toFixed(1);
    return [
      `<line x1="${x}" y1="${top}" x2="${x}" y2="${bottom}" stroke="${FAINT}"/>`,
      text(Number(x), bottom + 15, shown(tick), 'text-anchor="middle" class="small"'),
    ];
  });
  return [...lines, text(LABELS_WIDTH + CHART_WIDTH + 24, bottom + 15, unit, 'class="small"')];
}

function drawLegend(words: readonly string[], y: number): string[] {
  return words.flatMap((word, index) => {
    const x = LABELS_WIDTH + index * 110;
    return [bar(x, y - 11, BAR_HEIGHT, COLOURS[index]), text(x + 20, y, word, 'class="small"')];
  });
}

/** The panel's elements, and where it ends. */
function draw(panel: Panel, top: number): [elements: string[], bottom: number] {
  const first = top + TITLE_HEIGHT + 12;
  const rowHeight = panel.legend.length * BAR_HEIGHT + ROW_GAP;
  const bottom = first + panel.rows.length * rowHeight;
  const rows = panel.rows.flatMap((row, index) => drawRow(row, first + index * rowHeight, panel));
  const head = [text(16, top + 18, panel.title, 'class="title"'), ...drawLegend(panel.legend, top + TITLE_HEIGHT - 2)];
  return [[...head, ...drawAxis(panel, first - 6, bottom), ...rows], bottom + AXIS_HEIGHT];
}

function rowsOf(figures: Figures, names: (way: string) => readonly string[]): Row[] {
  return WAYS.flatMap(([way, title]) => {
    const values = names(way).map((name) => figures[name]?.value);
    return values.every((value) => value !== undefined) ? [{ title, values }] : [];
  });
}

/** Round numbers from 0 to beyond the largest. */
function linearTicks(most: number): number[] {
  const step = [50, 100, 200, 500, 1000, 2000, 5000].find((one) => most / one <= 8) ?? 10000;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

function costPanel(figures: Figures): Panel {
  const rows = rowsOf(figures, (way) => [`offload.${way}_esp_out_64_1k`, `offload.${way}_esp_out_1400_1k`]);
  const ticks = linearTicks(Math.max(...rows.flatMap(({ values }) => values)));
  return {
    title: "CPU time of a forwarded ESP packet, 1024 tunnels (less is better)",
    legend: ["64 bytes", "1400 bytes"],
    rows,
    unit: "ns",
    ticks,
    scale: (value) => Math.max(0, value) / ticks.at(-1)!,
  };
}

function latencyPanel(figures: Figures): Panel {
  const percents = ["p50", "p99", "p999"];
  const rows = rowsOf(figures, (way) => percents.map((percent) => `offload.${way}_latency_${percent}`));
  const highest = Math.ceil(Math.log10(Math.max(...rows.flatMap(({ values }) => values))));
  return {
    title: "Time under way at 100 000 packets a second (each step: ten times longer)",
    legend: ["median", "99 %", "99.9 %"],
    rows,
    unit: "µs",
    ticks: Array.from({ length: highest + 1 }, (_, power) => 10 ** power),
    scale: (value) => Math.max(0, Math.log10(value)) / highest,
  };
}

/** An SVG document of the result of `offload`; throws when a figure that it needs was not measured. */
export function plot({ figures }: ResultDocument): string {
  const panels = [costPanel(figures), latencyPanel(figures)];
  if (panels.some(({ rows }) => rows.length === 0)) throw new Error("nothing to plot: `offload` was not measured");
  const elements: string[] = [];
  let bottom = 0;
  for (const panel of panels) {
    const [drawn, end] = draw(panel, bottom + 10);
    elements.push(...drawn);
    bottom = end;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom}" width="${WIDTH}" height="${bottom}">`,
    `<style>text { font: 13px sans-serif; fill: ${INK}; } .small { font-size: 11px; } `,
    `.title { font-weight: bold; font-size: 14px; }</style>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...elements,
    "</svg>\n",
  ].join("\n");
}
