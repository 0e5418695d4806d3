// SPDX-License-Identifier: GPL-2.0-only
// When a daemon that was just started can be asked.

import { askServer } from "../../../src/system/unix-socket";
import { waitUntil } from "./clock";
import { type Daemon, isRunning } from "./shell";

const READY_TIMEOUT_MS = 10_000;
const ANSWER = { timeoutMs: 1000, replyBytesMax: 65_536 };

/**
 * Waits until a daemon answers a command on its control socket; false when it ended or never did. It is asked from
 * here: a program started for the question would share the guest's one processor with the daemon that starts.
 */
export function becomesReady(daemon: Daemon, control: string, command: "status" | "tunnels"): boolean {
  const request = `{"command":"${command}"}`;
  const hasAnswered = waitUntil(() => {
    const [reply] = askServer(control, request, ANSWER);
    return reply !== undefined || !isRunning(daemon);
  }, READY_TIMEOUT_MS);
  return hasAnswered && isRunning(daemon);
}
