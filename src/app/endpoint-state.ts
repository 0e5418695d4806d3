// SPDX-License-Identifier: GPL-2.0-only
// What the running endpoint shows of itself: all that the control socket's replies are made from.

import type { HoldCounts } from "../watchdog/pins";
import type { WatchedTunnel } from "../watchdog/watched-tunnel";
import type { EndpointConfiguration } from "./endpoint-configuration";
import type { ReloadReport } from "./reload";

export interface EndpointState {
  readonly config: EndpointConfiguration;
  readonly configPath: string;
  readonly lastReload: ReloadReport | undefined;
  /** Monotonic, as all times that end in Ms here. */
  readonly startedMs: number;
  nowMs(): number;
  tunnels(): readonly WatchedTunnel[];
  /** What holding has cost a tunnel; undefined when nothing of it was placed yet. */
  holdOf(tunnel: WatchedTunnel): HoldCounts | undefined;
  /** Packets that the host discarded while data of whatever tunnel was held. */
  discardedWhileHolding(): number;
  /** What is wrong with a tunnel beside its state, a line each. */
  problemsOf(tunnel: WatchedTunnel): string[];
  /** The last messages of the log, oldest first. */
  logTail(): readonly string[];
}
