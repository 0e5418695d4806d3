// SPDX-License-Identifier: GPL-2.0-only
// CPU time of this or another process, in nanoseconds: unlike a wall clock it does not see what else the machine runs.
//
// The kernel counts what it does for a process in its system calls, and the network interrupts that it handles there
// (without CONFIG_IRQ_TIME_ACCOUNTING, as on Debian and OpenWrt): for frames between veth ends that is all of the work.

import { create, declareC, type Ptr, typeOf } from "../../src/system/ffi";

/** @noSelf */
interface CpuClockLibrary {
  clock_gettime(clock: number, time: Ptr<Timespec>): number;
}

interface Timespec {
  seconds: number;
  nanoseconds: number;
}

const C = declareC<CpuClockLibrary>("int clock_gettime(int clock, void *time);");

const now = create(typeOf<Ptr<Timespec>>("struct { long seconds; long nanoseconds; }[1]"));

/** linux/time.h */
const CLOCK_PROCESS_CPUTIME_ID = 2;
/** linux/posix-timers.h: a process' clock is made of its number, and this one counts its time on a CPU. */
const CPUCLOCK_SCHED = 2;

function read(clock: number): number {
  if (C.clock_gettime(clock, now) !== 0) error("no such process to measure", 0);
  return tonumber(now[0].seconds)! * 1e9 + tonumber(now[0].nanoseconds)!;
}

/** What this process has used. */
export function cpuNs(): number {
  return read(CLOCK_PROCESS_CPUTIME_ID);
}

/** What the process `pid` has used, all its threads. */
export function cpuNsOf(pid: number): number {
  return read((~pid << 3) | CPUCLOCK_SCHED);
}
