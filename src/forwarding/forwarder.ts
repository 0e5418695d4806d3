// SPDX-License-Identifier: GPL-2.0-only
// Packets in, table, packets out: performs the table's verdicts on the two sides' rings.
//
// Frames are rewritten where they lie in the receive ring and sent from there; only copies, fragments and answers of
// our own need memory. Everything that leaves is queued and handed to the kernel once a burst.

import type { Decisions } from "../masquerade/decisions";
import type { Limits } from "../masquerade/limits";
import { NO_RECORD } from "../masquerade/key-index";
import { RateLimit } from "../masquerade/rate-limit";
import type { Reason } from "../masquerade/reason";
import type { Table } from "../masquerade/table";
import { Action, type Verdict } from "../masquerade/verdict";
import { type BytePtr, copyBytes } from "../system/ffi";
import type { ReceiveRing } from "../system/receive-ring";
import type { RouteEvent } from "../system/rtnetlink";
import { MADE_FRAME_BYTES } from "../system/send-queue";
import type { Bytes } from "../wire/bytes";
import { ETHERNET_HEADER_BYTES } from "../wire/ethernet";
import { Fragmenter } from "../wire/fragmenter";
import { icmpErrorRefusal, writeFragmentationNeeded, writeTimeExceeded, writeUnreachable } from "../wire/icmp-error";
import { UnreachableCode } from "../wire/icmp";
import { type Ipv4View, Protocol } from "../wire/ipv4";
import { TcpField } from "../wire/tcp";
import { UDP_HEADER_BYTES } from "../wire/udp";
import { HEADROOM_BYTES, HoldQueue, type HeldPacket } from "./hold-queue";
import type { NextHop } from "./next-hops";
import type { Side } from "./side";

/** The largest packet that fits the memory for copies and fragments behind a link header. */
const COPY_BYTES_MAX = MADE_FRAME_BYTES - ETHERNET_HEADER_BYTES;

/** Why an answer of our own goes back to a packet's sender. */
type Complaint = "ttl-expired" | "mtu-exceeded" | "no-route";

/** What takes the packets of established items and sessions off our hands: the kernel, when it can. */
export interface FastPath {
  /** A packet of an established item or session (its record's number) passed us. */
  offer(protocol: number, item: number): void;
  /** Likewise one that the kernel had joined from several. */
  offerJoined(protocol: number, item: number, from: Side): void;
  /** What was received is on its way. */
  fill(): void;
  /** The sides have followed a change of the kernel's. */
  follow(event: RouteEvent): void;
}

export class Forwarder {
  readonly counters = new LuaMap<Reason, number>();
  lan: Side | undefined;
  wan: Side | undefined;
  /** Our address on the LAN, a word: ICMP errors to clients come from it. */
  lanAddress: number | undefined;
  /** Called before a burst leaves: what it taught is to be on record before anybody can have seen its packets. */
  beforeSending: ((this: void) => void) | undefined;

  /** Absent: all packets pass us. */
  fastPath: FastPath | undefined;

  private readonly held = new HoldQueue();
  private readonly fragmenter = new Fragmenter();
  private readonly answers: RateLimit;
  /** The time of this burst. */
  private nowMs = 0;

  constructor(
    private readonly table: Table,
    private readonly decisions: Decisions,
    limits: Limits,
  ) {
    this.answers = new RateLimit(limits.icmpErrorsPerSecondMax);
  }

  /** Forwards what came in on the LAN. */
  receiveFromLan(nowMs: number): void {
    const lan = this.lan;
    if (lan === undefined || lan.ring.gather() === 0) return;
    const ring = lan.ring;
    this.nowMs = nowMs;
    while (ring.receive()) {
      lan.framesIn += 1;
      lan.bytesIn += ring.wireLengthBytes;
      if (ring.isTruncated && !ring.receiveLarge()) this.count("frame-too-large");
      else this.outbound(ring.frame, ring.networkAt, ring.lengthBytes - ring.networkAt, ring);
    }
    this.flush();
    ring.release();
  }

  /** Forwards what came in on the WAN. */
  receiveFromWan(nowMs: number): void {
    const wan = this.wan;
    if (wan === undefined || wan.ring.gather() === 0) return;
    const ring = wan.ring;
    this.nowMs = nowMs;
    while (ring.receive()) {
      wan.framesIn += 1;
      wan.bytesIn += ring.wireLengthBytes;
      if (ring.isTruncated && !ring.receiveLarge()) this.count("frame-too-large");
      else this.inbound(ring.frame, ring.networkAt, ring.lengthBytes - ring.networkAt, ring);
    }
    this.flush();
    ring.release();
  }

  /** Ends waits, forgets what is idle, keeps neighbours confirmed; call about ten times a second. */
  tick(nowMs: number): void {
    this.nowMs = nowMs;
    this.table.expire(nowMs);
    this.performReleases();
    this.countMany("hold-expired", this.held.expire(nowMs));
    for (const side of this.sides()) {
      this.countMany("neighbour-unknown", side.unresolved.expire(nowMs));
      side.hops.confirm(nowMs);
    }
    this.flush();
  }

  /** Follows the kernel's changes; packets whose next hop was decided by one are decided anew. */
  follow(event: RouteEvent, nowMs: number): void {
    this.nowMs = nowMs;
    for (const side of this.sides()) {
      for (const packet of side.follow(event)) this.decideAgain(packet);
    }
    this.fastPath?.follow(event);
  }

  heldPackets(): number {
    let packets = this.held.count();
    for (const side of this.sides()) packets += side.unresolved.count();
    return packets;
  }

  // One packet

  private outbound(frame: BytePtr, at: number, availableBytes: number, ring?: ReceiveRing): void {
    const table = this.table;
    const verdict = table.verdict;
    table.decideOutbound(frame, at, availableBytes, this.nowMs);
    const decided = verdict.reason;
    if (decided !== "esp-established" && decided !== "flow-known") this.noteOutbound();
    if (verdict.action === Action.Forward) this.forwardOutbound(frame, at, ring);
    else if (verdict.action === Action.Hold) this.hold(true, frame, at, ring);
    else if (decided === "ttl-expired") this.complain("ttl-expired", this.lan, 0);
    if (verdict.reason !== decided) this.noteOutbound();
    this.count(verdict.reason);
    this.offerItem(verdict, this.lan, ring);
    if (!table.releases.isEmpty()) this.performReleases();
  }

  private inbound(frame: BytePtr, at: number, availableBytes: number, ring?: ReceiveRing): void {
    const table = this.table;
    const verdict = table.verdict;
    table.decideInbound(frame, at, availableBytes, this.nowMs);
    const decided = verdict.reason;
    if (decided !== "esp-established" && decided !== "flow-known") this.noteInbound();
    if (verdict.action === Action.Forward) this.forwardInbound(frame, at, ring);
    else if (verdict.action === Action.Multicast) this.multicast(ring);
    else if (verdict.action === Action.Hold) this.hold(false, frame, at, ring);
    else if (decided === "ttl-expired") this.complain("ttl-expired", this.wan, 0);
    if (verdict.reason !== decided) this.noteInbound();
    this.count(verdict.reason);
    this.offerItem(verdict, this.wan, ring);
    if (!table.releases.isEmpty()) this.performReleases();
  }

  private offerItem(verdict: Verdict, from: Side | undefined, ring?: ReceiveRing): void {
    const isItems = verdict.action === Action.Forward && verdict.item !== NO_RECORD;
    if (!isItems || this.fastPath === undefined || from === undefined) return;
    const protocol = this.table.packet.protocol();
    if (ring !== undefined && ring.segmentBytes > 0) this.fastPath.offerJoined(protocol, verdict.item, from);
    else this.fastPath.offer(protocol, verdict.item);
  }

  private forwardOutbound(frame: BytePtr, at: number, ring?: ReceiveRing): void {
    if (this.table.isHairpin) {
      this.forwardHairpin(frame, at, ring);
      return;
    }
    const wan = this.wan;
    if (wan === undefined) {
      this.table.verdict.drop("link-down");
      return;
    }
    const hop = wan.hops.find(this.table.packet.destination());
    if (!this.isSendable(wan, hop, this.lan, ring)) return;
    this.table.rewriteOutbound();
    this.transmit(wan, hop, frame, at, ring);
  }

  private forwardInbound(frame: BytePtr, at: number, ring?: ReceiveRing): void {
    const lan = this.lan;
    const verdict = this.table.verdict;
    if (lan === undefined) {
      verdict.drop("link-down");
      return;
    }
    const hop = lan.hops.find(verdict.client);
    if (!this.isSendable(lan, hop, this.wan, ring)) return;
    this.table.packet.decrementTimeToLive();
    this.table.rewriteInbound(verdict.client, verdict.port);
    this.transmit(lan, hop, frame, at, ring);
  }

  private forwardHairpin(frame: BytePtr, at: number, ring?: ReceiveRing): void {
    const lan = this.lan;
    if (lan === undefined) return;
    const hop = lan.hops.find(this.table.verdict.client);
    if (!this.isSendable(lan, hop, lan, ring)) return;
    this.table.rewriteHairpin();
    this.transmit(lan, hop, frame, at, ring);
  }

  /** A copy for each receiver. One whose hardware address must be asked for first misses this copy. */
  private multicast(ring?: ReceiveRing): void {
    const lan = this.lan;
    const verdict = this.table.verdict;
    if (lan === undefined) {
      verdict.drop("link-down");
      return;
    }
    if (this.table.packet.totalBytes > COPY_BYTES_MAX || ring?.completeChecksum() === false) {
      verdict.drop("frame-too-large");
      return;
    }
    this.table.packet.decrementTimeToLive();
    for (const copy of $range(0, verdict.copies - 1)) {
      const client = verdict.copyTo[copy];
      const hop = lan.hops.find(client);
      this.table.rewriteInbound(client, verdict.port);
      if (lan.canSend(hop)) this.sendCopy(lan, hop);
      else this.count("neighbour-unknown");
    }
  }

  private sendCopy(side: Side, hop: NextHop): void {
    const packet = this.table.packet;
    const copy = side.reserve();
    const from = (packet.frame as BytePtr).plus(packet.at);
    copyBytes(copy.plus(side.ring.linkHeaderBytes), from, packet.totalBytes);
    side.commit(copy, packet.totalBytes, hop);
  }

  // What can stand in the way

  /**
   * False when the packet cannot leave on `out` now: it waits, or its sender, on the side `back`, is told why not.
   */
  private isSendable(out: Side, hop: NextHop, back: Side | undefined, ring?: ReceiveRing): boolean {
    const packet = this.table.packet;
    if (!out.canSend(hop)) {
      this.awaitNeighbour(out, hop, back, ring);
      return false;
    }
    if (packet.totalBytes <= hop.mtuBytes) return true;
    if (ring !== undefined && ring.segmentBytes > 0) return this.areSegmentsSendable(ring, hop, back);
    if (packet.dontFragment()) {
      this.complain("mtu-exceeded", back, hop.mtuBytes);
      return false;
    }
    return ring?.completeChecksum() !== false;
  }

  /** A joined frame leaves as the segments it stands for, cut by the kernel: each must fit. */
  private areSegmentsSendable(ring: ReceiveRing, hop: NextHop, back: Side | undefined): boolean {
    const packet = this.table.packet;
    const transportBytes = packet.protocol() === Protocol.Tcp ? tcpHeaderBytes(packet) : UDP_HEADER_BYTES;
    if (packet.headerBytes + transportBytes + ring.segmentBytes <= hop.mtuBytes) return true;
    this.complain("mtu-exceeded", back, hop.mtuBytes);
    return false;
  }

  private awaitNeighbour(out: Side, hop: NextHop, back: Side | undefined, ring?: ReceiveRing): void {
    if (hop.isUnreachable) {
      this.complain("no-route", back, 0);
      return;
    }
    const packet = this.table.packet;
    const from = (packet.frame as BytePtr).plus(packet.at);
    const isWhole = ring?.completeChecksum() !== false;
    const isHeld =
      isWhole && out.unresolved.hold(hop.neighbour, back === this.lan, from, packet.totalBytes, this.nowMs);
    if (!isHeld) this.table.verdict.drop("hold-full");
  }

  private hold(isOutbound: boolean, frame: BytePtr, at: number, ring?: ReceiveRing): void {
    const verdict = this.table.verdict;
    const bytes = this.table.packet.totalBytes;
    const isWhole = ring?.completeChecksum() !== false;
    const isHeld = isWhole && this.held.hold(verdict.holdKey, isOutbound, frame.plus(at), bytes, this.nowMs);
    if (!isHeld) verdict.drop("hold-full");
  }

  /** Sends the packet, in fragments where it is larger than the way allows. */
  private transmit(out: Side, hop: NextHop, frame: BytePtr, at: number, ring?: ReceiveRing): void {
    const bytes = this.table.packet.totalBytes;
    if (ring === undefined) {
      if (bytes > hop.mtuBytes) this.transmitFragments(out, hop);
      else out.send(frame, at, bytes, hop);
    } else if (bytes > hop.mtuBytes && ring.segmentBytes === 0) {
      this.transmitFragments(out, hop);
    } else {
      out.forward(ring, at, bytes, hop);
    }
  }

  private transmitFragments(out: Side, hop: NextHop): void {
    const packet = this.table.packet;
    if (out === this.wan && !packet.isFragment()) {
      // Of a datagram that is cut here, as of one that came in fragments, the identification is ours (see fragments.ts).
      packet.setIdentification(this.table.fragments.nextIdentification(packet.destination()));
    }
    const fault = this.fragmenter.start(packet, hop.mtuBytes);
    if (fault !== undefined || hop.mtuBytes > COPY_BYTES_MAX) {
      this.table.verdict.drop("mtu-exceeded");
      return;
    }
    const at = out.ring.linkHeaderBytes;
    let fragment = out.reserve();
    let bytes = this.fragmenter.next(fragment, at);
    while (bytes > 0) {
      out.commit(fragment, bytes, hop);
      fragment = out.reserve();
      bytes = this.fragmenter.next(fragment, at);
    }
  }

  /** Drops the packet and tells its sender why, when that is allowed and not too often (RFC 1812 §4.3.2). */
  private complain(complaint: Complaint, back: Side | undefined, mtuBytes: number): void {
    const packet = this.table.packet;
    this.table.verdict.drop(complaint);
    const from = back === this.lan ? this.lanAddress : this.table.wanAddress;
    if (back === undefined || from === undefined || icmpErrorRefusal(packet) !== undefined) return;
    const hop = back.hops.find(packet.source());
    if (!back.canSend(hop) || !this.answers.admit(this.nowMs)) return;
    const answer = back.reserve();
    const at = back.ring.linkHeaderBytes;
    back.commit(answer, writeComplaint(answer, at, from, complaint, packet, mtuBytes), hop);
  }

  // What was held

  /** What decisions let go is decided anew, in its order; what they gave up is counted. */
  private performReleases(): void {
    const releases = this.table.releases;
    const released = releases.released;
    const discarded = releases.discarded;
    releases.clear();
    for (const key of discarded) this.countMany("hold-expired", this.held.take(key).length);
    for (const key of released) {
      for (const packet of this.held.take(key)) this.decideAgain(packet);
    }
  }

  /** The packet leaves from where it was held, so the queue is flushed before that memory can be collected. */
  private decideAgain(packet: HeldPacket): void {
    if (packet.isOutbound) this.outbound(packet.frame, HEADROOM_BYTES, packet.lengthBytes);
    else this.inbound(packet.frame, HEADROOM_BYTES, packet.lengthBytes);
    this.flush();
  }

  // Records

  private noteOutbound(): void {
    const packet = this.table.packet;
    this.note(packet.source(), packet.destination());
  }

  private noteInbound(): void {
    const verdict = this.table.verdict;
    this.note(verdict.action === Action.Forward ? verdict.client : 0, this.table.packet.source());
  }

  private note(client: number, server: number): void {
    this.decisions.note(this.nowMs, this.table.verdict.reason, client, server, this.table.spi);
  }

  private count(reason: Reason): void {
    this.counters.set(reason, (this.counters.get(reason) ?? 0) + 1);
  }

  private countMany(reason: Reason, packets: number): void {
    if (packets > 0) this.counters.set(reason, (this.counters.get(reason) ?? 0) + packets);
  }

  private flush(): void {
    if (this.beforeSending !== undefined) this.beforeSending();
    this.wan?.ring.flush();
    this.lan?.ring.flush();
    this.fastPath?.fill();
  }

  private sides(): Side[] {
    const sides: Side[] = [];
    if (this.lan !== undefined) sides.push(this.lan);
    if (this.wan !== undefined) sides.push(this.wan);
    return sides;
  }
}

function tcpHeaderBytes(segment: Ipv4View): number {
  return (segment.frame[segment.payloadAt + TcpField.HeaderLength] >> 4) * 4;
}

function writeComplaint(
  into: Bytes,
  at: number,
  from: number,
  complaint: Complaint,
  about: Ipv4View,
  mtuBytes: number,
): number {
  if (complaint === "ttl-expired") return writeTimeExceeded(into, at, from, about);
  if (complaint === "mtu-exceeded") return writeFragmentationNeeded(into, at, from, about, mtuBytes);
  return writeUnreachable(into, at, from, about, UnreachableCode.Host);
}
