// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq banner`: what a person sees who logs in. It never keeps anybody from logging in: it waits a second at most,
// and ends well whatever happens.

import { monotonicMs } from "../system/clock";
import { askRouter } from "./control-client";
import { askHealth } from "./health-command";
import type { StatusReport } from "./report/status-report";
import { bannerView } from "./view/banner-view";

/** For both questions together. */
const TIMEOUT_MS = 1000;

function print(control: string): void {
  const startMs = monotonicMs();
  const health = askHealth(control, TIMEOUT_MS);
  const leftMs = TIMEOUT_MS - (monotonicMs() - startMs);
  let status: StatusReport | undefined;
  if (health.health !== "absent" && leftMs > 0)
    [status] = askRouter<StatusReport>(control, { command: "status" }, leftMs);
  io.stdout.write(`${bannerView(health, status).join("\n")}\n`);
}

/** @returns 0, always */
export function showBanner(control: string): number {
  const [isWhole, problem] = pcall(print, control);
  if (!isWhole) io.stdout.write(`vpnmasq: no banner: ${tostring(problem)}\n`);
  return 0;
}
