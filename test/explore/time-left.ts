// SPDX-License-Identifier: GPL-2.0-only
// How far away the end of a timer is, as far as that can matter.

/**
 * No way on from a state takes longer than this, waits and the future that is tried together, unless there is a long
 * silence on it, in which every timer ends that is further away (but for IKE's of a day, which ends nowhere).
 */
const HORIZON_MS = 50_000;

/** What is over is all alike, and so is what ends in a long silence only. */
export function timeLeft(untilMs: number, nowMs: number): number {
  return Math.max(0, Math.min(untilMs - nowMs, HORIZON_MS));
}
