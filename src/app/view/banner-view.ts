// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq banner` as a person reads it: at most six lines, the worst first.

import type { HealthReport } from "../report/health-report";
import type { LinkStatus, StatusReport } from "../report/status-report";
import { formatDuration } from "../text/duration";
import { pad, SCREEN_COLUMNS } from "../text/layout";
import { formatCount } from "../text/quantity";
import { VERSION } from "../version";
import { alarm, heading } from "./style";

const HINT = "vpnmasq watch: live   vpnmasq explain: why   vpnmasq support: for who helps";

/** A banner never wraps: what does not fit is cut. */
function cut(text: string): string {
  return string.sub(text, 1, SCREEN_COLUMNS);
}

function linkText(label: string, { name, present, up, address }: LinkStatus): string {
  const state = present ? (up ? "" : ", down") : ", absent";
  return `${label} ${name} ${address ?? "no address"}${state}`;
}

function statusLines(status: StatusReport): string[] {
  const { esp, ike, lan, wan } = status;
  const waiting = esp.waiting + esp.outstanding;
  const tunnels = `${formatCount(esp.established, "tunnel epoch")} up${waiting === 0 ? "" : `, ${waiting} waiting`}`;
  return [
    cut(`  ${pad(linkText("LAN", lan), 38, "left")}${linkText("WAN", wan)}`),
    cut(
      `  ${pad(tunnels, 38, "left")}${formatCount(ike.total, "IKE session")}, up for ${formatDuration(status.uptime_ms)}`,
    ),
  ];
}

/** @param status undefined: the router did not tell */
export function bannerView(health: HealthReport, status: StatusReport | undefined): string[] {
  const title = cut(`vpnmasq ${VERSION}: ${health.health}: ${health.meaning}`);
  const lines = [health.health === "ok" ? heading(title) : alarm(title)];
  if (status !== undefined) lines.push(...statusLines(status));
  lines.push(cut(`  ${HINT}`));
  return lines;
}
