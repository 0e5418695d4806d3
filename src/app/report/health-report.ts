// SPDX-License-Identifier: GPL-2.0-only
// `health`: whether the router truly forwards, in one word with its reason.

import type { HealthState } from "../../heartbeat/heartbeat";
import type { RouterState } from "../router-state";

export interface HealthReport {
  /** "absent": no router answered; a router that hangs does not answer either, and counts as wedged. */
  readonly health: HealthState | "absent";
  readonly reason: string;
  readonly meaning: string;
  readonly uptime_ms?: number;
}

export function healthReport(state: RouterState): HealthReport {
  const { state: health, reason, meaning } = state.health();
  return { health, reason, meaning, uptime_ms: state.nowMs() - state.startedMs };
}
