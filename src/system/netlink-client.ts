// SPDX-License-Identifier: GPL-2.0-only
// One netlink protocol of the kernel: questions on one socket, answered before the call returns, and events on another,
// so that what happens meanwhile does not come between a question and its answer.

import type { Bytes } from "../wire/bytes";
import { type EventLoop, READABLE } from "./event-loop";
import { type NetlinkMessage, type NetlinkRequest, NetlinkSocket, readMessages } from "./netlink";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";

/** A dump that changes disturb is made again, so often at most. */
const DUMP_TRIES = 3;
/** Datagrams of events taken in one round of the loop. */
const EVENTS_A_ROUND = 64;

/** Events were lost (ENOBUFS): ask for everything again. */
export interface Resynchronise {
  readonly kind: "resynchronise";
}

/** What a message says; undefined when it is none of ours. */
export type MessageReader<Item> = (this: void, bytes: Bytes, message: NetlinkMessage) => Item | undefined;

/** Events that are listened to. */
export interface Subscription<Event> {
  readonly loop: EventLoop;
  /** Multicast groups of the protocol, a bit mask. */
  readonly groups: number;
  readonly read: MessageReader<Event>;
  readonly onEvent: (this: void, event: Event | Resynchronise) => void;
}

export class NetlinkClient {
  private constructor(
    private readonly questions: NetlinkSocket,
    private readonly events: NetlinkSocket | undefined,
    private readonly loop: EventLoop | undefined,
  ) {}

  /** Opens a protocol (NETLINK_…, linux/netlink.h) for questions only. */
  static open(this: void, protocol: number): Outcome<NetlinkClient> {
    const [questions, problem] = NetlinkSocket.open(protocol, 0);
    if (questions === undefined) return fail(problem);
    return succeed(new NetlinkClient(questions, undefined, undefined));
  }

  /** Likewise, and hands on every event from now on. */
  static follow<Event>(this: void, protocol: number, subscription: Subscription<Event>): Outcome<NetlinkClient> {
    const [questions, problem] = NetlinkSocket.open(protocol, 0);
    if (questions === undefined) return fail(problem);
    const [events, eventsProblem] = NetlinkSocket.open(protocol, subscription.groups);
    if (events === undefined) {
      questions.close();
      return fail(eventsProblem);
    }
    const { loop } = subscription;
    loop.watch(events.fd, READABLE, () => {
      reportEvents(events, subscription);
    });
    return succeed(new NetlinkClient(questions, events, loop));
  }

  /** Asks for a change, or for nothing but an acknowledgement. The kernel's refusal begins with `what`. */
  command(request: NetlinkRequest, what: string): Outcome<true> {
    return this.questions.ask(request, what, () => undefined);
  }

  /** Asks for one thing. @param nonsense what is wrong when the kernel's answer cannot be read */
  answer<Item>(
    request: NetlinkRequest,
    what: string,
    read: MessageReader<Item>,
    nonsense = "the kernel's answer makes no sense",
  ): Outcome<Item> {
    let item: Item | undefined;
    const [done, problem] = this.questions.ask(request, what, (message) => {
      item = read(this.questions.buffer, message);
    });
    if (done === undefined) return fail(problem);
    return outcomeOf(item, `${what}: ${nonsense}`);
  }

  /** Asks for all there is. */
  dump<Item>(request: NetlinkRequest, what: string, read: MessageReader<Item>): Outcome<Item[]> {
    let cause = what;
    for (const _ of $range(1, DUMP_TRIES)) {
      const items: Item[] = [];
      const [done, problem] = this.questions.ask(request, what, (message) => {
        const item = read(this.questions.buffer, message);
        if (item !== undefined) items.push(item);
      });
      if (done !== undefined) return succeed(items);
      cause = problem;
    }
    return fail(cause);
  }

  /** The kernel's error number for the last question; 0 when it was not the kernel that refused. */
  refusal(): number {
    return this.questions.refusal;
  }

  close(): void {
    if (this.events !== undefined && this.events.fd >= 0) {
      this.loop?.unwatch(this.events.fd);
      this.events.close();
    }
    this.questions.close();
  }
}

function reportEvents<Event>(events: NetlinkSocket, { read, onEvent }: Subscription<Event>): void {
  for (const _ of $range(1, EVENTS_A_ROUND)) {
    const received = events.receive();
    if (received === "overrun") {
      events.discard();
      onEvent({ kind: "resynchronise" });
      return;
    }
    if (received !== "message") return;
    for (const message of readMessages(events.buffer, events.lengthBytes)) {
      const event = read(events.buffer, message);
      if (event !== undefined) onEvent(event);
    }
  }
}
