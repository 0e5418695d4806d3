// SPDX-License-Identifier: GPL-2.0-only
// What a program at tcx or tc leaves to the daemon: frames that it sends in once more by the loopback interface.
//
// A tap sees a frame before these programs do: on their own interface it would cost every packet a filter's run, and needs
// to know what they take. So they choose for it what the daemon gets, and it waits at the loopback interface. There frames
// are to a hardware address that is not the interface's, so the kernel drops them behind the tap, before anything else.
//
// A tap for IPv4 alone would hear only what these programs let by, and on their own interface. But it comes after the
// kernel's own IPv4, which then works on a copy: all that the kernel forwards by itself would cost 1000 ns more.
// Source: net/core/dev.c, __netif_receive_skb_core(); net/core/filter.c, bpf_redirect(); net/ipv4/ip_input.c, ip_rcv_core().

import {
  accept,
  ancillary,
  assemble,
  type FilterInstruction,
  jumpIfEqual,
  label as place,
  loadByte,
  loadWord,
  reject,
} from "../../system/socket-filter";
import { add, call, exit, jumpIf, label, load, loadFirstValue, move, type Step, store } from "./instruction";
import { lease, packetContext } from "./layout";
import { CONTEXT_COPY, type Environment, held } from "./programs/environment";
import { translateFilter } from "./tap-translation";

/** linux/if_packet.h: a frame to another host. */
const PACKET_OTHERHOST = 3;
/** net/flow.h: in every network namespace. */
export const LOOPBACK_INDEX = 1;
/** linux/bpf.h: as if it had come in there. */
const BPF_F_INGRESS = 1;
/** The packet's mark tells by which interface it came in: this plus its index. The letters are "vp", and room is left. */
const MARK = 0x76700000;
/**
 * From the lease's end: a daemon that hangs for no longer than these 2.1 s finds its packets in the ring. At tc a program
 * outlives a daemon that was killed, and then the kernel is to have them. It is the largest number that can be added.
 */
const PATIENCE_NS = 0x7fffffff;

/**
 * Sends in to the tap what its classic filter accepts. The context is on the stack; all else goes on behind it.
 * @param interfaceIndex that the frames come in by
 */
export function handOver({ maps }: Environment, interfaceIndex: number, filter: readonly FilterInstruction[]): Step[] {
  return [
    call("coarseTime"),
    loadFirstValue("r1", maps.lease),
    load("r1", "r1", lease.untilNs),
    add("r1", PATIENCE_NS),
    jumpIf("r0", ">", "r1", "rejected"),
    load(held.context, "r10", CONTEXT_COPY),
    ...translateFilter(filter),
    label("accepted"),
    move("r1", MARK + interfaceIndex),
    store(held.context, packetContext.mark, "r1"),
    move("r1", LOOPBACK_INDEX),
    move("r2", BPF_F_INGRESS),
    call("redirect"),
    exit(),
    label("rejected"),
  ];
}

/** The tap's filter at the loopback interface. */
export function handedOver(interfaceIndex: number): FilterInstruction[] {
  return assemble([
    loadByte(ancillary.packetType),
    jumpIfEqual(PACKET_OTHERHOST, undefined, "reject"),
    loadWord(ancillary.mark),
    jumpIfEqual(MARK + interfaceIndex, undefined, "reject"),
    accept(),
    place("reject"),
    reject(),
  ]);
}
