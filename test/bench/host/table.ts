// SPDX-License-Identifier: GPL-2.0-only
// The result as a person reads it: a line a figure, within 80 columns.

import type { Figure, ResultDocument } from "../../../src/host/document.js";
import { wrap } from "../../../src/host/page.js";

const NAME_COLUMNS = 27;
const VALUE_COLUMNS = 11;
const UNIT_COLUMNS = 12;
const REACH_COLUMNS = 10;

/** Whether the value is what its reach says; undefined without one. */
export function isMet({ value, reach }: Figure): boolean | undefined {
  const [, relation, number] = /^(<=|>=) ([\d.]+)$/.exec(reach ?? "") ?? [];
  if (relation === undefined) return undefined;
  return relation === "<=" ? value <= Number(number) : value >= Number(number);
}

/** Three digits that count, and no more than the value has. */
function rounded(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-GB").replaceAll(",", " ");
  return String(Number(value.toPrecision(3)));
}

function line(name: string, figure: Figure): string {
  const met = isMet(figure);
  const verdict = met === undefined ? "" : met ? "met" : "SHORT";
  return [
    name.padEnd(NAME_COLUMNS),
    rounded(figure.value).padStart(VALUE_COLUMNS),
    ` ${figure.unit}`.padEnd(UNIT_COLUMNS),
    (figure.reach ?? "").padEnd(REACH_COLUMNS),
    verdict,
  ]
    .join(" ")
    .trimEnd();
}

/** The whole result: figures by measurement, then notes. */
export function table({ ok, figures, notes }: ResultDocument): string {
  const lines: string[] = [];
  let before = "";
  for (const [name, figure] of Object.entries(figures).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const [group = ""] = name.split(".");
    if (group !== before) lines.push("");
    before = group;
    lines.push(line(name, figure));
  }
  if (notes.length > 0) lines.push("", ...notes.map((note) => wrap(note)));
  lines.push("", ok ? "ok" : "NOT OK: a measurement failed, or a figure is past a bound that holds everywhere");
  return lines.join("\n");
}
