// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq tunnels` and `vpnmasq explain TUNNEL` as a person reads them: a paragraph a tunnel, as `wg show` has it.

import type { EpochItem, TunnelItem, TunnelsReport } from "../report/tunnel-report";
import { formatDuration } from "../text/duration";
import { hang } from "../text/layout";
import { formatCount } from "../text/quantity";
import { reloadText } from "./reload-text";
import { alarm, heading } from "./style";

const LABEL_COLUMNS = 14;
const AGE_COLUMNS = 12;

function line(label: string, text: string): string[] {
  return hang(`  ${label}:`, text, LABEL_COLUMNS);
}

function ago(ms: number): string {
  return `${formatDuration(ms)} ago`;
}

function epochText({ out_spi, in_spi, age_ms, answer_age_ms, ...epoch }: EpochItem): string {
  const answer = answer_age_ms === undefined ? "no answer yet" : `last answer ${ago(answer_age_ms)}`;
  return `out ${out_spi} in ${in_spi}, ${useText(epoch)}; ${formatDuration(age_ms)} old, ${answer}`;
}

function useText({
  carries_data,
  is_pinged,
  is_ignored,
}: Pick<EpochItem, "carries_data" | "is_pinged" | "is_ignored">): string {
  if (carries_data) return is_pinged ? "data and pings" : "data";
  if (is_pinged) return "pings";
  return is_ignored ? "not followed" : "idle";
}

function nextText({ what, in_ms }: NonNullable<TunnelItem["next"]>): string {
  return in_ms === undefined ? what : `${what} in ${formatDuration(in_ms)}`;
}

function holdText(hold: TunnelItem["hold"]): string {
  const { is_holding, holds, held_ms, longest_ms, released, lost_queues, host_discarded } = hold;
  const times = `${formatCount(holds, "time")}, ${formatDuration(held_ms)} in all, ${formatDuration(longest_ms)} at most`;
  const lost = lost_queues === 0 ? "" : `; ${formatCount(lost_queues, "queue")} lost`;
  const full =
    host_discarded === 0
      ? ""
      : `; meanwhile this host discarded ${formatCount(host_discarded, "packet")} of all tunnels`;
  return `${is_holding ? "now; " : ""}${times}; ${formatCount(released, "packet")} released${lost}${full}`;
}

function recoveryText({ recoveries, last_recovery: last }: TunnelItem): string {
  if (last === undefined) return `${recoveries}`;
  const { cause, by, took_ms, age_ms } = last;
  return `${recoveries}; the last ${ago(age_ms)} by ${by}, in ${formatDuration(took_ms)}: ${cause}`;
}

function tunnelLines(tunnel: TunnelItem): string[] {
  const { name, peer, local, daemon, daemon_presence, connection, state, outage, next, hold } = tunnel;
  const presence = daemon_presence === "there" || daemon_presence === "unknown" ? "" : ` (${daemon_presence})`;
  const lines = [
    heading(`tunnel ${name}`),
    ...line("state", `${state === "up" ? state : alarm(state)} for ${formatDuration(tunnel.state_age_ms)}`),
    ...line("peers", `${local ?? "any"} > ${peer ?? "any"}`),
    ...line("daemon", `${daemon}${presence}, connection ${connection}`),
  ];
  for (const epoch of tunnel.epochs) lines.push(...line("epoch", epochText(epoch)));
  if (tunnel.round_trip_ms !== undefined) lines.push(...line("round trip", `${Math.ceil(tunnel.round_trip_ms)} ms`));
  if (next !== undefined) lines.push(...line("next", nextText(next)));
  if (outage !== undefined) lines.push(...line("outage", `for ${formatDuration(outage.age_ms)}: ${outage.cause}`));
  if (tunnel.recoveries > 0) lines.push(...line("recoveries", recoveryText(tunnel)));
  if (hold.holds > 0) lines.push(...line("held", holdText(hold)));
  for (const problem of tunnel.problems) lines.push(...line("problem", problem));
  return lines;
}

function reloadLines(reload: NonNullable<TunnelsReport["reload"]>): string[] {
  const texts = [reloadText(reload), ...reload.messages];
  const lines = texts.flatMap((text, index) => hang(index === 0 ? "reload:" : "", text, LABEL_COLUMNS));
  return reload.ok ? lines : lines.map((text) => alarm(text));
}

export function tunnelsView({ tunnels, reload, notes }: TunnelsReport): string[] {
  const paragraphs = tunnels.map((tunnel) => tunnelLines(tunnel));
  if (notes.length > 0) paragraphs.push(notes.flatMap((note) => hang("- ", note, 2)).map((line) => alarm(line)));
  if (reload !== undefined) paragraphs.push(reloadLines(reload));
  return [paragraphs.map((lines) => lines.join("\n")).join("\n\n")];
}

export function tunnelView(tunnel: TunnelItem): string[] {
  const lines = tunnelLines(tunnel);
  const { events = [] } = tunnel;
  if (events.length === 0) return lines;
  lines.push("", heading("What happened lately, the last first"));
  for (const { age_ms, state, text } of events) {
    lines.push(...hang(`  ${formatDuration(age_ms)}`, `${state}: ${text}`, AGE_COLUMNS));
  }
  return lines;
}
