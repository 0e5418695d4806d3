// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq explain` and `vpnmasq counters` as a person reads them.

import type { CounterItem, DecisionItem } from "../report/decision-report";
import type { EspItem } from "../report/esp-report";
import type { ExplainReport, LossItem } from "../report/explain-report";
import type { IkeItem } from "../report/ike-report";
import { formatDuration } from "../text/duration";
import { hang, layoutRows } from "../text/layout";
import { phaseText } from "./table-view";
import { heading } from "./style";

const LABEL_COLUMNS = 12;

function itemLines(title: string, item: EspItem | IkeItem): string[] {
  const state = `${phaseText(item)}, ${formatDuration(item.age_ms)} old, last packet ${formatDuration(item.idle_ms)} ago`;
  return [
    "",
    heading(title),
    ...hang("  state", state, LABEL_COLUMNS),
    ...hang("  evidence", item.evidence, LABEL_COLUMNS),
    ...hang("  next", item.next, LABEL_COLUMNS),
  ];
}

function espTitle({ client, server, out_spi, in_spi }: EspItem): string {
  return `ESP ${client} > ${server}, out ${out_spi ?? "unknown"}, in ${in_spi ?? "unknown"}`;
}

function ikeTitle({ client, server, version, initiator_cookie }: IkeItem): string {
  return `IKEv${version} ${client} > ${server}, ${initiator_cookie}`;
}

function decisionLines(decision: DecisionItem): string[] {
  const { reason, meaning, client, server, spi, text, age_ms, count } = decision;
  const about = [client ?? "", server ?? "", spi ?? ""].filter((part) => part !== "").join(" ");
  const times = count === 1 ? "" : ` (${count} times)`;
  return [
    ...hang(`  ${formatDuration(age_ms)}`, `${reason}${about === "" ? "" : `: ${about}`}${times}`, LABEL_COLUMNS),
    ...hang("", text === undefined ? meaning : `${meaning}: ${text}`, LABEL_COLUMNS),
  ];
}

function lossLines({ client, server, phase, since_ms, ends_in_ms, evidence, next }: LossItem): string[] {
  return [
    "",
    heading(`Way back ${client} > ${server}`),
    ...hang("  state", `${phase} for ${formatDuration(since_ms)}`, LABEL_COLUMNS),
    ...hang("  evidence", evidence, LABEL_COLUMNS),
    ...hang("  next", `in ${formatDuration(ends_in_ms)}: ${next}`, LABEL_COLUMNS),
  ];
}

function introduction({ subject, esp, ike, losses, decisions }: ExplainReport): string {
  const isQuiet = esp.length + ike.length + losses.length === 0;
  if (subject === undefined) {
    return isQuiet
      ? "Nothing is out of the ordinary: nobody waits, and no SPI has more than one owner."
      : "Out of the ordinary now (explain CLIENT or SPI tells more of one):";
  }
  return isQuiet && decisions.length === 0 ? `Nothing is known of ${subject}.` : `What is known of ${subject}:`;
}

export function explainView(report: ExplainReport): string[] {
  const lines = hang("", introduction(report), 0);
  for (const item of report.losses) lines.push(...lossLines(item));
  for (const item of report.ike) lines.push(...itemLines(ikeTitle(item), item));
  for (const item of report.esp) lines.push(...itemLines(espTitle(item), item));
  if (report.left_out > 0) lines.push("", `and ${report.left_out} more, see vpnmasq table`);
  if (report.decisions.length === 0) return lines;
  lines.push("", heading("Decided lately, the last first"));
  for (const decision of report.decisions) lines.push(...decisionLines(decision));
  return lines;
}

export function countersView(counters: readonly CounterItem[]): string[] {
  if (counters.length === 0) return ["No packet has come yet."];
  const rows = counters.map(({ packets, reason, meaning }) => [string.format("%d", packets), reason, meaning]);
  return layoutRows(["right", "left", "left"], [["Packets", "Reason", "Meaning"], ...rows]);
}
