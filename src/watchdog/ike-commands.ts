// SPDX-License-Identifier: GPL-2.0-only
// The commands that an IKE daemon is driven by: several programs after one another for an order, several orders at once,
// never two for the same connection.
//
// A new order for a connection replaces the one that runs: it was given because that one brought nothing.

import { ChildJob } from "../system/child-job";
import type { RunResult } from "../system/child-process";
import type { EventLoop } from "../system/event-loop";
import type { Presence, ReportHandler } from "./ike-daemon";

/** Programs at once; each takes two descriptors of the event loop's 64. */
const JOBS_MAX = 8;
/** Orders that wait: more tunnels than one board has. */
const ORDERS_MAX = 256;
/** After a program has ended, the kernel's news of its effect is waited for before the next is judged necessary. */
const SETTLE_MS = 200;

/** One program of an order. */
export interface Command {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  /** Asked when the one before has ended; without it the command always runs. */
  readonly isNeeded?: (this: void) => boolean;
  /** It ends when the peer has answered: that it takes long says nothing of the daemon. */
  readonly isWaitingForPeer?: boolean;
}

/** What is kept of what a program prints. */
export interface OutputLimit {
  readonly outputBytesMax: number;
  /** Whether a program that ended so has reached the daemon. */
  readonly hasReached: (this: void, result: RunResult) => boolean;
}

interface OrderInWork {
  readonly key: string;
  readonly rest: Command[];
  readonly done: ReportHandler;
  readonly texts: string[];
  job: ChildJob | undefined;
  /** The next command is not looked at before. */
  notBeforeMs: number;
  isOver: boolean;
}

export class IkeCommands {
  presence: Presence = "unknown";
  trouble: string | undefined;
  private orders: OrderInWork[] = [];
  private running = 0;
  private nowMs = 0;

  constructor(
    private readonly loop: EventLoop,
    private readonly limit: OutputLimit,
  ) {}

  isBusy(key: string): boolean {
    return this.orders.some((order) => order.key === key);
  }

  /** @param key of what is ordered: an order replaces the one of the same key */
  run(key: string, commands: readonly Command[], done: ReportHandler): void {
    this.drop(key);
    if (this.orders.length >= ORDERS_MAX) {
      done({ text: "", problem: `${ORDERS_MAX} orders to the IKE daemon wait already` });
      return;
    }
    this.orders.push({ key, rest: [...commands], done, texts: [], job: undefined, notBeforeMs: 0, isOver: false });
  }

  /** To be called a few times a second. */
  tick(nowMs: number): void {
    this.nowMs = nowMs;
    for (const order of this.orders) {
      order.job?.tick(nowMs);
      if (order.job === undefined && !order.isOver && nowMs >= order.notBeforeMs) this.proceed(order, nowMs);
    }
  }

  close(): void {
    for (const order of this.orders) {
      order.isOver = true;
      order.job?.abandon();
    }
    this.orders = [];
    this.running = 0;
  }

  private drop(key: string): void {
    const order = this.orders.find((one) => one.key === key);
    if (order === undefined) return;
    if (order.job !== undefined) this.running -= 1;
    order.job?.abandon();
    this.end(order, "replaced by a newer order");
  }

  private proceed(order: OrderInWork, nowMs: number): void {
    let command = order.rest[0];
    while (command?.isNeeded !== undefined && !command.isNeeded()) {
      order.rest.shift();
      command = order.rest[0];
    }
    if (command === undefined) {
      this.end(order, undefined);
      return;
    }
    if (this.running >= JOBS_MAX) return;
    order.rest.shift();
    this.start(order, command, nowMs);
  }

  private start(order: OrderInWork, command: Command, nowMs: number): void {
    const options = { timeoutMs: command.timeoutMs, outputBytesMax: this.limit.outputBytesMax };
    const [job, problem] = ChildJob.start(this.loop, command.argv, options, nowMs, (result, trouble) => {
      this.running -= 1;
      order.job = undefined;
      order.notBeforeMs = this.nowMs + SETTLE_MS;
      if (result !== undefined) this.ended(order, result);
      else if (command.isWaitingForPeer === true) this.end(order, trouble);
      else this.fail(order, "hung", trouble!);
    });
    if (job === undefined) {
      this.fail(order, "missing", problem);
      return;
    }
    order.job = job;
    this.running += 1;
  }

  private ended(order: OrderInWork, result: RunResult): void {
    const text = trimmed(result.output + result.errorOutput);
    if (!this.limit.hasReached(result)) {
      this.fail(order, "missing", firstLine(text));
      return;
    }
    this.presence = "there";
    this.trouble = undefined;
    order.texts.push(text);
    if (order.rest.length === 0) this.end(order, undefined);
  }

  /** What a daemon did not take, or not carry out in time, needs no second command. */
  private fail(order: OrderInWork, presence: Presence, problem: string): void {
    this.presence = presence;
    this.trouble = problem;
    this.end(order, problem);
  }

  private end(order: OrderInWork, problem: string | undefined): void {
    this.orders = this.orders.filter((one) => one !== order);
    order.isOver = true;
    order.done({ text: order.texts.join("\n"), problem });
  }
}

function trimmed(text: string): string {
  return string.match(text, "^%s*(.-)%s*$")[0];
}

function firstLine(text: string): string {
  const [line] = string.match(text, "^[^\n]+");
  return line ?? "the daemon's command ended without a word";
}
