// SPDX-License-Identifier: GPL-2.0-only
// A program at an interface's ingress as a filter of tc(8), for kernels without tcx (linux/pkt_sched.h, linux/pkt_cls.h).
//
// A filter belongs to the interface and not to a process: one stays that nobody takes away. So each is put where it
// replaces what an ended process of ours has left.

import { errno } from "./errno";
import { networkOrder16 } from "./ffi";
import { messageFlag, NetlinkRequest } from "./netlink";
import { NetlinkClient } from "./netlink-client";
import { fail, type Outcome, succeed } from "./outcome";

const NETLINK_ROUTE = 0;
/** linux/rtnetlink.h: kinds of messages. */
const type = { newQueueing: 36, deleteQueueing: 37, newFilter: 44, deleteFilter: 45, getFilter: 46 } as const;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
/** What the program returns is what happens. */
const ACT_DIRECT = 1;
/** What holds filters and queues nothing: where it is in the tree, and its handle. */
const CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;
const INGRESS = 0xfffffff2;
const EGRESS = 0xfffffff3;
/** Above: behind all other filters. Below: for IPv4. */
const ORDER = 0xffff0000 + networkOrder16(0x0800);
const FILTER_HANDLE = 1;

export class TrafficFilter {
  private constructor(
    private readonly interfaceIndex: number,
    private readonly isOursAlone: boolean,
  ) {}

  /** Attaches a program (of kind classifier) behind whatever filters there are. */
  static attach(this: void, program: number, interfaceIndex: number): Outcome<TrafficFilter> {
    const [kernel, problem] = NetlinkClient.open(NETLINK_ROUTE);
    if (kernel === undefined) return fail(problem);
    const flags = messageFlag.acknowledge + messageFlag.create + messageFlag.exclusive;
    const holder = request(type.newQueueing, flags, interfaceIndex, CLSACT_HANDLE, CLSACT, 0);
    const [made, refusal] = kernel.command(holder.attribute(TCA_KIND, "clsact\0"), "tc clsact");
    if (made === undefined && kernel.refusal() !== errno.EEXIST) {
      kernel.close();
      return fail(refusal);
    }
    const options = new NetlinkRequest(0, 0).attribute32(TCA_BPF_FD, program).attribute(TCA_BPF_NAME, "vpnmasq\0");
    const filter = request(
      type.newFilter,
      messageFlag.acknowledge + messageFlag.create,
      interfaceIndex,
      FILTER_HANDLE,
      INGRESS,
      ORDER,
    );
    filter.attribute(TCA_KIND, "bpf\0").nested(TCA_OPTIONS, options.attribute32(TCA_BPF_FLAGS, ACT_DIRECT));
    const [done, filterProblem] = kernel.command(filter, "tc clsact");
    kernel.close();
    const attached = new TrafficFilter(interfaceIndex, made !== undefined);
    if (done !== undefined) return succeed(attached);
    attached.remove();
    return fail(filterProblem);
  }

  /** Takes away what an ended process may have left. */
  static clear(this: void, interfaceIndex: number): void {
    new TrafficFilter(interfaceIndex, false).remove();
  }

  /** Takes the filter away, and what holds it if that was made for it and nobody else uses it. */
  remove(): void {
    const { interfaceIndex, isOursAlone } = this;
    const [kernel] = NetlinkClient.open(NETLINK_ROUTE);
    if (kernel === undefined) return;
    const acknowledge = messageFlag.acknowledge;
    kernel.command(request(type.deleteFilter, acknowledge, interfaceIndex, FILTER_HANDLE, INGRESS, ORDER), "tc clsact");
    if (isOursAlone && !isInUse(kernel, interfaceIndex)) {
      kernel.command(request(type.deleteQueueing, acknowledge, interfaceIndex, CLSACT_HANDLE, CLSACT, 0), "tc clsact");
    }
    kernel.close();
  }
}

function isInUse(kernel: NetlinkClient, interfaceIndex: number): boolean {
  return [INGRESS, EGRESS].some((parent) => {
    const [filters] = kernel.dump(
      request(type.getFilter, messageFlag.dump, interfaceIndex, 0, parent, 0),
      "",
      () => true,
    );
    return filters === undefined || filters.length > 0;
  });
}

/** struct tcmsg */
function request(
  kind: number,
  flags: number,
  interfaceIndex: number,
  handle: number,
  parent: number,
  order: number,
): NetlinkRequest {
  const head = new NetlinkRequest(kind, messageFlag.request + flags).number32(0).number32(interfaceIndex);
  return head.number32(handle).number32(parent).number32(order);
}
