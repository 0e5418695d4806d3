// SPDX-License-Identifier: GPL-2.0-only
// Time in the guest: one clock for everything that is measured, and waiting for a condition instead of sleeping.

import { C, ffi } from "./libc";

const CLOCK_MONOTONIC = 1;
const POLL_INTERVAL_MS = 20;

const time = ffi.new("lab_time") as { seconds: number; nanoseconds: number };

/** Milliseconds since the guest booted, with fractions. */
export function nowMs(): number {
  C.clock_gettime(CLOCK_MONOTONIC, time);
  return tonumber(time.seconds)! * 1000 + tonumber(time.nanoseconds)! / 1e6;
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
