// SPDX-License-Identifier: GPL-2.0-only
// The clocks: one that never jumps, for timers; one for people; and the boot that the first one counts from.

import { create, declareC, type Ptr, typeOf } from "./ffi";
import { readFile } from "./files";

/** @noSelf */
interface ClockLibrary {
  clock_gettime(clock: number, time: Ptr<Timespec>): number;
}

interface Timespec {
  seconds: number;
  nanoseconds: number;
}

// The plain symbol takes two longs on every architecture: 32-bit C libraries keep it for old programs beside the
// variant with 64-bit seconds. Monotonic time fits either way; the wall clock of a 32-bit board ends in 2038.
const C = declareC<ClockLibrary>("int clock_gettime(int clock, void *time);");

/** linux/time.h */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";
/** A UUID in text is 36 characters and a newline. */
const BOOT_ID_BYTES_MAX = 64;

const now = create(typeOf<Ptr<Timespec>>("struct { long seconds; long nanoseconds; }[1]"));

function read(clock: number): number {
  C.clock_gettime(clock, now);
  const time = now[0];
  return tonumber(time.seconds)! * 1000 + tonumber(time.nanoseconds)! / 1e6;
}

/** Milliseconds since some moment before the boot's first program, with a fraction; never goes back. */
export function monotonicMs(): number {
  return read(CLOCK_MONOTONIC);
}

/** Milliseconds since 1970-01-01 UTC, with a fraction. Jumps when the clock is set: boards start without knowing it. */
export function wallClockMs(): number {
  return read(CLOCK_REALTIME);
}

/** Names this boot of the kernel: monotonic times of two runs compare only when this is equal. */
export function bootId(): string | undefined {
  const [text] = readFile(BOOT_ID_FILE, BOOT_ID_BYTES_MAX);
  return text === undefined ? undefined : string.match(text, "^[%x-]+")[0];
}
