// SPDX-License-Identifier: GPL-2.0-only
// The event loop: waits for descriptors and the time with poll(2), and calls who asked.
//
// poll and not epoll: a router watches about ten descriptors, and poll's structures are the same on every
// architecture. Handlers run to their end one after another; each bounds its own work, and what is left over is
// readable again in the next round, so nobody starves.

import { monotonicMs } from "./clock";
import { errno, lastError } from "./errno";
import { create, declareC, lastErrorNumber, type Ptr, typeOf } from "./ffi";

/** poll.h; may be added up. */
export const READABLE = 1;
export const WRITABLE = 4;
/** These two are told without being asked for. */
export const FAILED = 8;
export const HUNG_UP = 16;

/** Told instead of FAILED for a descriptor that was closed while watched: a mistake of the program. */
const NOT_OPEN = 32;

/** Called with the READABLE, WRITABLE, FAILED and HUNG_UP bits that hold. */
export type ReadyHandler = (this: void, readiness: number) => void;

/** struct pollfd */
interface PollEntry {
  fd: number;
  events: number;
  revents: number;
}

/** @noSelf */
interface PollLibrary {
  poll(entries: Ptr<PollEntry>, count: number, timeoutMs: number): number;
}

const C = declareC<PollLibrary>("int poll(void *entries, unsigned long count, int timeout_ms);");

/** More than rings, sockets and control connections of one router; a bound on memory and on one round's work. */
const DESCRIPTORS_MAX = 64;

interface Watch {
  readonly fd: number;
  readonly interest: number;
  readonly handler: ReadyHandler;
}

interface Delayed {
  readonly dueMs: number;
  readonly handler: (this: void) => void;
}

export class EventLoop {
  private readonly entries = create(
    typeOf<Ptr<PollEntry>>(`struct { int fd; short events; short revents; }[${DESCRIPTORS_MAX}]`),
  );
  /** In the order of `entries`. Replaced, never changed, so that a round in progress keeps its own. */
  private watches: readonly Watch[] = [];
  private isRunning = false;
  private tickIntervalMs = 0;
  private nextTickMs = math.huge;
  private tickHandler: ((this: void, nowMs: number) => void) | undefined;
  private delayed: readonly Delayed[] = [];

  /** Calls `handler` whenever one of `interest` holds for the descriptor. A second call replaces the first. */
  watch(fd: number, interest: number, handler: ReadyHandler): void {
    const others = this.watches.filter((watch) => watch.fd !== fd);
    if (others.length >= DESCRIPTORS_MAX) error(`event loop: more than ${DESCRIPTORS_MAX} descriptors`);
    others.push({ fd, interest, handler });
    this.replaceWatches(others);
  }

  /** Stops watching; nothing happens when it was not watched. May be called by a handler. */
  unwatch(fd: number): void {
    this.replaceWatches(this.watches.filter((watch) => watch.fd !== fd));
  }

  /** Calls `handler` every `intervalMs` (at least 1). Ticks missed under load are not made up. One tick a loop. */
  tick(intervalMs: number, handler: (this: void, nowMs: number) => void): void {
    if (intervalMs < 1) error(`event loop: a tick of ${intervalMs} ms; at least 1`);
    this.tickIntervalMs = intervalMs;
    this.nextTickMs = monotonicMs() + intervalMs;
    this.tickHandler = handler;
  }

  /** Calls `handler` once, `delayMs` from now. */
  after(delayMs: number, handler: (this: void) => void): void {
    this.delayed = [...this.delayed, { dueMs: monotonicMs() + delayMs, handler }];
  }

  /** Runs until {@link stop}. */
  run(): void {
    this.isRunning = true;
    while (this.isRunning) this.runOnce(-1);
  }

  /** Makes {@link run} return after the handler that is running. */
  stop(): void {
    this.isRunning = false;
  }

  /** Waits once, at most `timeoutMs` (without limit when negative) or until the tick, and calls the handlers due. */
  runOnce(timeoutMs: number): void {
    const watches = this.watches;
    const ready = C.poll(this.entries, watches.length, this.waitMs(timeoutMs));
    if (ready > 0) this.callReady(watches);
    else if (ready < 0 && lastErrorNumber() !== errno.EINTR) error(lastError("poll"));
    if (this.delayed.length > 0) this.callDelayed();
    this.callTick();
  }

  private replaceWatches(watches: readonly Watch[]): void {
    this.watches = watches;
    for (const at of $range(0, watches.length - 1)) {
      const entry = this.entries[at];
      entry.fd = watches[at].fd;
      entry.events = watches[at].interest;
      entry.revents = 0;
    }
  }

  private waitMs(timeoutMs: number): number {
    let dueMs = this.nextTickMs;
    for (const one of this.delayed) dueMs = math.min(dueMs, one.dueMs);
    if (dueMs === math.huge) return timeoutMs;
    const untilDueMs = math.max(0, math.ceil(dueMs - monotonicMs()));
    return timeoutMs < 0 ? untilDueMs : math.min(timeoutMs, untilDueMs);
  }

  /** A handler may watch and unwatch: once it did, what poll found no longer fits and the rest waits a round. */
  private callReady(watches: readonly Watch[]): void {
    for (const at of $range(0, watches.length - 1)) {
      const readiness = this.entries[at].revents;
      if (readiness !== 0) {
        const watch = watches[at];
        if ((readiness & NOT_OPEN) !== 0) error(`event loop: descriptor ${watch.fd} was closed while watched`);
        watch.handler(readiness);
        if (this.watches !== watches) return;
      }
    }
  }

  private callDelayed(): void {
    const nowMs = monotonicMs();
    const due = this.delayed.filter((one) => one.dueMs <= nowMs);
    this.delayed = this.delayed.filter((one) => one.dueMs > nowMs);
    for (const one of due) one.handler();
  }

  private callTick(): void {
    if (this.tickHandler === undefined) return;
    const nowMs = monotonicMs();
    if (nowMs < this.nextTickMs) return;
    this.nextTickMs = nowMs + this.tickIntervalMs;
    this.tickHandler(nowMs);
  }
}
