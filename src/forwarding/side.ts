// SPDX-License-Identifier: GPL-2.0-only
// One side of the router: an interface with its ring, its next hops, and the packets that wait for a next hop's address.

import type { BytePtr } from "../system/ffi";
import { PacketRing } from "../system/packet-ring";
import type { ReceiveRing } from "../system/receive-ring";
import { hardwareType, type Link, type RouteEvent, type RouteSocket } from "../system/rtnetlink";
import type { FilterInstruction } from "../system/socket-filter";
import { fail, type Outcome, succeed } from "../system/outcome";
import { type Bytes, write16 } from "../wire/bytes";
import {
  copyHardwareAddress,
  ETHERNET_HEADER_BYTES,
  EthernetField,
  EtherType,
  HARDWARE_ADDRESS_BYTES,
} from "../wire/ethernet";
import { type HeldPacket, HoldQueue } from "./hold-queue";
import { type NextHop, NextHops } from "./next-hops";

export interface RingSizes {
  readonly receiveSlots: number;
  readonly sendSlots: number;
  readonly bypassQueueing: boolean;
}

/** Makes the socket filter for frames with a link header of so many bytes. */
export type FilterMaker = (this: void, linkHeaderBytes: number) => FilterInstruction[];

export class Side {
  readonly hops: NextHops;
  /** Packets whose next hop's hardware address is not known yet, by the hop's address. */
  readonly unresolved = new HoldQueue();
  /** Its socket told of an error: the interface went down or away, if only for a moment. It is to be opened anew. */
  hasFailed = false;
  framesIn = 0;
  framesOut = 0;
  bytesIn = 0;
  bytesOut = 0;

  private constructor(
    readonly link: Link,
    readonly ring: PacketRing,
    routes: RouteSocket,
  ) {
    this.hops = new NextHops(routes, link.index, link.mtuBytes, ring.linkHeaderBytes > 0);
  }

  /** Opens a ring on a link that is there; an error is a line for people. */
  static open(this: void, link: Link, routes: RouteSocket, sizes: RingSizes, filterFor: FilterMaker): Outcome<Side> {
    const linkHeaderBytes = headerBytesOf(link);
    if (linkHeaderBytes === undefined) {
      return fail(`${link.name}: links of hardware type ${link.hardwareType} are not supported`);
    }
    const filter = filterFor(linkHeaderBytes);
    const [ring, problem] = PacketRing.open({ interfaceIndex: link.index, linkHeaderBytes, filter, ...sizes });
    return ring === undefined ? fail(`${link.name}: ${problem}`) : succeed(new Side(link, ring, routes));
  }

  /** Whether it can go on with the link as it is now. */
  fits(link: Link): boolean {
    const { index, mtuBytes, isUp, hardwareAddress } = this.link;
    const isSame = index === link.index && mtuBytes === link.mtuBytes && isUp === link.isUp;
    return !this.hasFailed && isSame && isSameHardwareAddress(hardwareAddress, link.hardwareAddress);
  }

  /** Lets other frames in from now on; an error is a line for people. */
  refilter(filterFor: FilterMaker): Outcome<true> {
    return this.ring.setFilter(filterFor(this.ring.linkHeaderBytes));
  }

  /** Takes over the counters of the side that this one replaces. */
  continueCounting(before: Side): void {
    this.framesIn += before.framesIn;
    this.framesOut += before.framesOut;
    this.bytesIn += before.bytesIn;
    this.bytesOut += before.bytesOut;
  }

  /** Follows the kernel's changes; the packets that need wait no longer. */
  follow(event: RouteEvent): HeldPacket[] {
    const decided = this.hops.follow(event);
    if (decided === "all") return this.unresolved.takeAll();
    return decided === undefined ? [] : this.unresolved.take(decided);
  }

  /** Whether a packet can leave by this hop now. */
  canSend(hop: NextHop): boolean {
    return hop.hardwareAddress !== undefined || (this.ring.linkHeaderBytes === 0 && !hop.isUnreachable);
  }

  /**
   * Queues the frame that another ring received, rewritten where it lies; whatever its sender left to hardware is done
   * on the way out.
   */
  forward(from: ReceiveRing, at: number, lengthBytes: number, hop: NextHop): void {
    const frameAt = at - this.ring.linkHeaderBytes;
    this.writeHeader(from.frame, frameAt, hop);
    this.ring.forward(from, frameAt, this.ring.linkHeaderBytes + lengthBytes);
    this.count(lengthBytes);
  }

  /** Queues an IP packet that stays where it is until the ring is flushed; 14 bytes before it may be written to. */
  send(frame: BytePtr, at: number, lengthBytes: number, hop: NextHop): void {
    const frameAt = at - this.ring.linkHeaderBytes;
    this.writeHeader(frame, frameAt, hop);
    this.ring.send(frame.plus(frameAt), this.ring.linkHeaderBytes + lengthBytes);
    this.count(lengthBytes);
  }

  /** Memory for a frame to be made; the IP packet starts at {@link PacketRing.linkHeaderBytes}. */
  reserve(): BytePtr {
    return this.ring.reserve();
  }

  /** Queues the IP packet of `lengthBytes` that was made in the reserved memory. */
  commit(frame: BytePtr, lengthBytes: number, hop: NextHop): void {
    this.writeHeader(frame, 0, hop);
    this.ring.commit(this.ring.linkHeaderBytes + lengthBytes);
    this.count(lengthBytes);
  }

  /** The link header, on links that have one: to the hop's hardware address, from ours. */
  private writeHeader(frame: BytePtr, at: number, hop: NextHop): void {
    if (hop.hardwareAddress === undefined || this.link.hardwareAddress === undefined) return;
    copyHardwareAddress(hop.hardwareAddress, 0, frame, at + EthernetField.Destination);
    copyHardwareAddress(this.link.hardwareAddress, 0, frame, at + EthernetField.Source);
    write16(frame, at + EthernetField.EtherType, EtherType.Ipv4);
  }

  private count(lengthBytes: number): void {
    this.framesOut += 1;
    this.bytesOut += lengthBytes;
  }

  close(): void {
    this.ring.close();
  }
}

/** Bytes of link header before the IP packet; undefined on links that we cannot serve. */
function headerBytesOf(link: Link): number | undefined {
  if (link.hardwareType === hardwareType.ethernet) return ETHERNET_HEADER_BYTES;
  const headerless: number[] = [hardwareType.ppp, hardwareType.rawIp, hardwareType.none];
  return headerless.includes(link.hardwareType) ? 0 : undefined;
}

function isSameHardwareAddress(one: Bytes | undefined, other: Bytes | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  for (const at of $range(0, HARDWARE_ADDRESS_BYTES - 1)) {
    if (one[at] !== other[at]) return false;
  }
  return true;
}
