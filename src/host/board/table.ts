// SPDX-License-Identifier: GPL-2.0-only
// The table of boards in docs/boards.md, made from boards/*.json so that it cannot say anything else.

import type { Board, Flash } from "./board.js";

const HEADINGS = ["board", "is", "OpenWrt target", "packages", "flash", "RAM", "console", "ways"];
const KINDS: Readonly<Record<Flash["kind"], string>> = { nor: "NOR", nand: "NAND", emmc: "eMMC", disk: "disk" };

/** A number of bytes as people call flash and memory: powers of 1024, but of 1000 where only they are whole. */
export function sizeText(bytes: number): string {
  const steps = [
    { unit: "GB", bytes: 2 ** 30 },
    { unit: "GB", bytes: 1e9 },
    { unit: "MB", bytes: 2 ** 20 },
    { unit: "kB", bytes: 2 ** 10 },
  ];
  const step = steps.find((candidate) => bytes % candidate.bytes === 0);
  return step === undefined ? `${String(bytes)} bytes` : `${String(bytes / step.bytes)} ${step.unit}`;
}

function flashText({ kind, sizeBytes }: Flash): string {
  return sizeBytes === undefined ? KINDS[kind] : `${sizeText(sizeBytes)} ${KINDS[kind]}`;
}

function row(board: Board): string[] {
  const { openwrt, console } = board;
  const volts = console.volts === undefined ? "" : `, ${String(console.volts)} V`;
  return [
    `\`${board.name}\``,
    board.title,
    `${openwrt.target}/${openwrt.subtarget}`,
    board.packageArchitecture + (board.byteOrder === "big" ? " (big-endian)" : ""),
    board.flash.map(flashText).join(" + "),
    sizeText(board.ramBytes),
    `${String(console.baud)}${volts}`,
    [...new Set(board.ways.map(({ way }) => way))].join(", "),
  ];
}

/** The table in Markdown, aligned as prettier aligns it. */
export function boardTable(boards: readonly Board[]): string {
  const rows = [HEADINGS, ...boards.map(row)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`;
  const [headings = [], ...others] = rows.map((cells) => line(cells, " "));
  const rule = line(
    HEADINGS.map(() => ""),
    "-",
  );
  return [headings, rule, ...others].join("\n");
}
