// SPDX-License-Identifier: GPL-2.0-only
// The kernel's IPsec over netlink: SAs and policies listed, changed and followed, beside the IKE daemon that made them.
//
// Two sockets, as with routes: one for questions, answered before the call returns, and one for events.

import { attributeType, eventGroup, messageType, NETLINK_XFRM } from "./abi/xfrm";
import { errno } from "./errno";
import { type EventLoop, READABLE } from "./event-loop";
import { messageFlag, type NetlinkMessage, NetlinkRequest, NetlinkSocket, readMessages } from "./netlink";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";
import {
  type LarvalRequest,
  larvalText,
  type Mark,
  markText,
  type Policy,
  type PolicyId,
  policyIdText,
  policyText,
  PROTOCOL_ESP,
  readEvent,
  readPolicy,
  readSa,
  type Sa,
  type SaId,
  saIdText,
  templateText,
  type XfrmEvent,
} from "./xfrm-message";

export { eventGroup };

/** A dump that changes disturb is made again, so often at most. */
const DUMP_TRIES = 3;
/** Datagrams of events taken in one round of the loop. */
const EVENTS_A_ROUND = 64;

/** What comes of adding a policy. */
export type Addition = "added" | "taken";
/** What comes of removing an SA or a policy. */
export type Removal = "removed" | "absent";

/** What the watchdog asks of the kernel. A spec may stand in for it. */
export interface Xfrm {
  /** All ESP SAs between IPv4 addresses, larval ones too; the newest first. */
  sas(): Outcome<Sa[]>;
  /** One SA as it is now; "absent" when it is not there. */
  sa(id: SaId): Outcome<Sa | "absent">;
  /** Makes a larval SA. The kernel removes it after net.core.xfrm_acq_expires seconds: see `hardLifetimeSeconds`. */
  allocate(request: LarvalRequest): Outcome<Sa>;
  removeSa(id: SaId): Outcome<Removal>;
  /** All policies for IPv4, but for those of sockets. */
  policies(): Outcome<Policy[]>;
  /** Adds a policy; "taken" when one of the same selector, direction, mark and interface is there: it stays. */
  addPolicy(policy: Policy): Outcome<Addition>;
  /** Puts a policy in the place of that of the same selector, direction, mark and interface, or adds it. */
  updatePolicy(policy: Policy): Outcome<true>;
  removePolicy(id: PolicyId): Outcome<Removal>;
}

export class XfrmSocket implements Xfrm {
  private constructor(
    private readonly questions: NetlinkSocket,
    private readonly events: NetlinkSocket | undefined,
    private readonly loop: EventLoop | undefined,
  ) {}

  /** Opens a socket for questions only. */
  static open(this: void): Outcome<XfrmSocket> {
    const [questions, problem] = NetlinkSocket.open(NETLINK_XFRM, 0);
    if (questions === undefined) return fail(problem);
    return succeed(new XfrmSocket(questions, undefined, undefined));
  }

  /**
   * Likewise, and calls `onEvent` for every event of the groups from now on.
   * @param groups of {@link eventGroup}, added up. Listening to acquire makes the kernel believe that somebody answers:
   * it then waits for an SA where it would refuse the packet.
   */
  static follow(
    this: void,
    loop: EventLoop,
    groups: number,
    onEvent: (this: void, event: XfrmEvent) => void,
  ): Outcome<XfrmSocket> {
    const [questions, problem] = NetlinkSocket.open(NETLINK_XFRM, 0);
    if (questions === undefined) return fail(problem);
    const [events, eventsProblem] = NetlinkSocket.open(NETLINK_XFRM, groups);
    if (events === undefined) {
      questions.close();
      return fail(eventsProblem);
    }
    loop.watch(events.fd, READABLE, () => {
      reportEvents(events, onEvent);
    });
    return succeed(new XfrmSocket(questions, events, loop));
  }

  sas(): Outcome<Sa[]> {
    const [sas, problem] = this.dump(messageType.getSa, "the kernel's SAs cannot be listed", readSa);
    if (sas === undefined) return fail(problem);
    return succeed(sas.filter((sa) => sa.protocol === PROTOCOL_ESP));
  }

  sa(id: SaId): Outcome<Sa | "absent"> {
    const what = "the SA cannot be read";
    const request = new NetlinkRequest(messageType.getSa, messageFlag.request).bytes(saIdText(id));
    addMark(request, id.mark);
    let sa: Sa | undefined;
    const [done, problem] = this.questions.ask(request, what, (message) => {
      sa = readSa(this.questions.buffer, message);
    });
    if (done === undefined && this.questions.refusal === errno.ESRCH) return succeed("absent" as const);
    if (done === undefined) return fail(problem);
    return outcomeOf<Sa | "absent">(sa, `${what}: it is not for IPv4`);
  }

  allocate(wanted: LarvalRequest): Outcome<Sa> {
    const what = "no SPI can be had for a larval SA";
    const request = new NetlinkRequest(messageType.allocateSpi, messageFlag.request).bytes(larvalText(wanted));
    addInterface(request, wanted.interfaceId);
    let sa: Sa | undefined;
    const [done, problem] = this.questions.ask(request, what, (message) => {
      sa = readSa(this.questions.buffer, message);
    });
    if (done === undefined) return fail(problem);
    return outcomeOf(sa, `${what}: the kernel's answer makes no sense`);
  }

  removeSa(id: SaId): Outcome<Removal> {
    const request = new NetlinkRequest(messageType.deleteSa, WRITE).bytes(saIdText(id));
    addMark(request, id.mark);
    return this.remove(request, "the SA cannot be removed", errno.ESRCH);
  }

  policies(): Outcome<Policy[]> {
    return this.dump(messageType.getPolicy, "the kernel's IPsec policies cannot be listed", readPolicy);
  }

  addPolicy(policy: Policy): Outcome<Addition> {
    const request = policyRequest(messageType.newPolicy, policy);
    const [done, problem] = this.questions.ask(request, "the IPsec policy cannot be added", () => undefined);
    if (done !== undefined) return succeed("added" as const);
    if (this.questions.refusal === errno.EEXIST) return succeed("taken" as const);
    return fail(problem);
  }

  updatePolicy(policy: Policy): Outcome<true> {
    const request = policyRequest(messageType.updatePolicy, policy);
    return this.questions.ask(request, "the IPsec policy cannot be updated", () => undefined);
  }

  removePolicy(id: PolicyId): Outcome<Removal> {
    const request = new NetlinkRequest(messageType.deletePolicy, WRITE).bytes(policyIdText(id));
    addMark(request, id.mark);
    addInterface(request, id.interfaceId);
    return this.remove(request, "the IPsec policy cannot be removed", errno.ENOENT);
  }

  close(): void {
    if (this.events !== undefined && this.events.fd >= 0) {
      this.loop?.unwatch(this.events.fd);
      this.events.close();
    }
    this.questions.close();
  }

  private remove(request: NetlinkRequest, what: string, absent: number): Outcome<Removal> {
    const [done, problem] = this.questions.ask(request, what, () => undefined);
    if (done !== undefined) return succeed("removed" as const);
    if (this.questions.refusal === absent) return succeed("absent" as const);
    return fail(problem);
  }

  private dump<Item>(
    type: number,
    what: string,
    read: (bytes: NetlinkSocket["buffer"], message: NetlinkMessage) => Item | undefined,
  ): Outcome<Item[]> {
    let cause = what;
    for (const _ of $range(1, DUMP_TRIES)) {
      const items: Item[] = [];
      const request = new NetlinkRequest(type, messageFlag.request + messageFlag.dump);
      const [done, problem] = this.questions.ask(request, what, (message) => {
        const item = read(this.questions.buffer, message);
        if (item !== undefined) items.push(item);
      });
      if (done !== undefined) return succeed(items);
      cause = problem;
    }
    return fail(cause);
  }
}

const WRITE = messageFlag.request + messageFlag.acknowledge;

function policyRequest(type: number, policy: Policy): NetlinkRequest {
  const request = new NetlinkRequest(type, WRITE).bytes(policyText(policy));
  if (policy.templates.length > 0) {
    request.attribute(attributeType.template, table.concat(policy.templates.map((each) => templateText(each))));
  }
  addMark(request, policy.mark);
  addInterface(request, policy.interfaceId);
  return request;
}

function addMark(request: NetlinkRequest, mark: Mark | undefined): void {
  if (mark !== undefined) request.attribute(attributeType.mark, markText(mark));
}

function addInterface(request: NetlinkRequest, interfaceId: number): void {
  if (interfaceId !== 0) request.attribute32(attributeType.interfaceId, interfaceId);
}

function reportEvents(events: NetlinkSocket, onEvent: (this: void, event: XfrmEvent) => void): void {
  for (const _ of $range(1, EVENTS_A_ROUND)) {
    const received = events.receive();
    if (received === "overrun") {
      events.discard();
      onEvent({ kind: "resynchronise" });
      return;
    }
    if (received !== "message") return;
    for (const message of readMessages(events.buffer, events.lengthBytes)) {
      const event = readEvent(events.buffer, message);
      if (event !== undefined) onEvent(event);
    }
  }
}
