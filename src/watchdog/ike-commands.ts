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

/** How a daemon's programs are to be read. */
export interface Reading {
  /** What is kept of what a program prints. */
  readonly outputBytesMax: number;
  /** What a program said that has not reached the daemon; undefined when it has. */
  readonly unreached: (this: void, result: RunResult) => string | undefined;
  /** Lines (a Lua pattern from their beginning) that say nothing of what was asked. */
  readonly noise?: string;
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
    private readonly reading: Reading,
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
    const options = { timeoutMs: command.timeoutMs, outputBytesMax: this.reading.outputBytesMax };
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
    const problem = this.reading.unreached(result);
    if (problem !== undefined) {
      this.fail(order, "missing", problem);
      return;
    }
    this.presence = "there";
    this.trouble = undefined;
    order.texts.push(this.textOf(result));
    if (order.rest.length === 0) this.end(order, undefined);
  }

  private textOf({ output, errorOutput }: RunResult): string {
    const lines: string[] = [];
    for (const [line] of string.gmatch(output + errorOutput, "[^\n]+")) {
      const { noise } = this.reading;
      if (noise === undefined || string.find(line, `^${noise}`)[0] === undefined) lines.push(line);
    }
    return lines.join("\n");
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
