// SPDX-License-Identifier: GPL-2.0-only
// Virtual time: what is to happen, in the order of its time, and of equal times in the order in which it was planned.
//
// A binary heap. An event is a function and its one argument, so that a packet under way needs no function of its own.

/** @param Argument what `happen` is about */
interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly happen: (this: void, argument: never) => void;
  readonly argument: unknown;
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

export class EventQueue {
  nowMs = 0;
  /** Events that have happened. */
  happened = 0;
  private readonly heap: Planned[] = [];
  private planned = 0;

  /** Plans an event; one in the past happens now. */
  at<Argument>(atMs: number, happen: (this: void, argument: Argument) => void, argument: Argument): void {
    this.planned += 1;
    this.rise({ atMs: Math.max(atMs, this.nowMs), order: this.planned, happen, argument });
  }

  after<Argument>(delayMs: number, happen: (this: void, argument: Argument) => void, argument: Argument): void {
    this.at(this.nowMs + delayMs, happen, argument);
  }

  /** Lets the next event happen; false when it lies beyond `endMs`, or there is none. */
  step(endMs: number): boolean {
    if (this.heap.length === 0 || this.heap[0].atMs > endMs) return false;
    const next = this.heap[0];
    const last = this.heap.pop()!;
    if (this.heap.length > 0) this.sink(last);
    this.nowMs = next.atMs;
    this.happened += 1;
    next.happen(next.argument as never);
    return true;
  }

  private rise(event: Planned): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above])) break;
      heap[at] = heap[above];
      at = above;
    }
    heap[at] = event;
  }

  private sink(event: Planned): void {
    const { heap } = this;
    const count = heap.length;
    let at = 0;
    let below = 1;
    while (below < count) {
      if (below + 1 < count && isBefore(heap[below + 1], heap[below])) below += 1;
      if (!isBefore(heap[below], event)) break;
      heap[at] = heap[below];
      at = below;
      below = 2 * at + 1;
    }
    heap[at] = event;
  }
}
