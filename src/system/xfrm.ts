// SPDX-License-Identifier: GPL-2.0-only
// The kernel's IPsec over netlink: SAs and policies listed, changed and followed, beside the IKE daemon that made them.

import { attributeType, eventGroup, messageType, NETLINK_XFRM } from "./abi/xfrm";
import { errno } from "./errno";
import type { EventLoop } from "./event-loop";
import { messageFlag, NetlinkRequest } from "./netlink";
import { NetlinkClient } from "./netlink-client";
import { fail, type Outcome, succeed } from "./outcome";
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
  private constructor(private readonly kernel: NetlinkClient) {}

  /** Opens a socket for questions only. */
  static open(this: void): Outcome<XfrmSocket> {
    const [kernel, problem] = NetlinkClient.open(NETLINK_XFRM);
    if (kernel === undefined) return fail(problem);
    return succeed(new XfrmSocket(kernel));
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
    const subscription = { loop, groups, read: readEvent, onEvent };
    const [kernel, problem] = NetlinkClient.follow<XfrmEvent>(NETLINK_XFRM, subscription);
    if (kernel === undefined) return fail(problem);
    return succeed(new XfrmSocket(kernel));
  }

  sas(): Outcome<Sa[]> {
    const [sas, problem] = this.kernel.dump(all(messageType.getSa), "the kernel's SAs cannot be listed", readSa);
    if (sas === undefined) return fail(problem);
    return succeed(sas.filter((sa) => sa.protocol === PROTOCOL_ESP));
  }

  sa(id: SaId): Outcome<Sa | "absent"> {
    const request = new NetlinkRequest(messageType.getSa, messageFlag.request).bytes(saIdText(id));
    addMark(request, id.mark);
    const [sa, problem] = this.kernel.answer(request, "the SA cannot be read", readSa, "it is not for IPv4");
    if (sa !== undefined) return succeed(sa);
    return this.kernel.refusal() === errno.ESRCH ? succeed("absent" as const) : fail(problem);
  }

  allocate(wanted: LarvalRequest): Outcome<Sa> {
    const request = new NetlinkRequest(messageType.allocateSpi, messageFlag.request).bytes(larvalText(wanted));
    addInterface(request, wanted.interfaceId);
    return this.kernel.answer(request, "no SPI can be had for a larval SA", readSa);
  }

  removeSa(id: SaId): Outcome<Removal> {
    const request = new NetlinkRequest(messageType.deleteSa, WRITE).bytes(saIdText(id));
    addMark(request, id.mark);
    return this.remove(request, "the SA cannot be removed", errno.ESRCH);
  }

  policies(): Outcome<Policy[]> {
    return this.kernel.dump(all(messageType.getPolicy), "the kernel's IPsec policies cannot be listed", readPolicy);
  }

  addPolicy(policy: Policy): Outcome<Addition> {
    const request = policyRequest(messageType.newPolicy, policy);
    const [done, problem] = this.kernel.command(request, "the IPsec policy cannot be added");
    if (done !== undefined) return succeed("added" as const);
    if (this.kernel.refusal() === errno.EEXIST) return succeed("taken" as const);
    return fail(problem);
  }

  updatePolicy(policy: Policy): Outcome<true> {
    const request = policyRequest(messageType.updatePolicy, policy);
    return this.kernel.command(request, "the IPsec policy cannot be updated");
  }

  removePolicy(id: PolicyId): Outcome<Removal> {
    const request = new NetlinkRequest(messageType.deletePolicy, WRITE).bytes(policyIdText(id));
    addMark(request, id.mark);
    addInterface(request, id.interfaceId);
    return this.remove(request, "the IPsec policy cannot be removed", errno.ENOENT);
  }

  close(): void {
    this.kernel.close();
  }

  private remove(request: NetlinkRequest, what: string, absent: number): Outcome<Removal> {
    const [done, problem] = this.kernel.command(request, what);
    if (done !== undefined) return succeed("removed" as const);
    if (this.kernel.refusal() === absent) return succeed("absent" as const);
    return fail(problem);
  }
}

const WRITE = messageFlag.request + messageFlag.acknowledge;

/** A request for all there is. */
function all(type: number): NetlinkRequest {
  return new NetlinkRequest(type, messageFlag.request + messageFlag.dump);
}

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
