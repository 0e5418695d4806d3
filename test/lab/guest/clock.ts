// SPDX-License-Identifier: GPL-2.0-only
// Time in the guest: one clock for everything that is measured, and waiting for a condition instead of sleeping.

import { monotonicMs } from "../../../src/system/clock";
import { C } from "./libc";

const POLL_INTERVAL_MS = 20;

/** Milliseconds since the guest booted, with fractions. */
export function nowMs(): number {
  return monotonicMs();
}

export function sleepMs(durationMs: number): void {
  C.poll(undefined, 0, durationMs);
}

/**
 * Waits until the condition holds.
 * @returns whether it came to hold within the time.
 */
export function waitUntil(condition: () => boolean, timeoutMs: number): boolean {
  const deadlineMs = nowMs() + timeoutMs;
  while (!condition()) {
    if (nowMs() > deadlineMs) return false;
    sleepMs(POLL_INTERVAL_MS);
  }
  return true;
}
