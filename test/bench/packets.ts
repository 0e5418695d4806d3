// SPDX-License-Identifier: GPL-2.0-only
// Packets of many tunnels or flows, made before the clock runs and loaded one after another into one frame.
//
// A NAT rewrites packets, so each is made anew before it is decided: 32 bytes are copied, out of memory that is read in
// order, into a frame that stays in the cache, as a receive ring's frame does. What that costs is measured alone and
// taken off.

import { byteArray, type BytePtr, copyBytes, create } from "../../src/system/ffi";
import { writeWord } from "../../src/wire/bytes";
import { Ipv4View } from "../../src/wire/ipv4";
import { UdpView } from "../../src/wire/udp";
import { counting, esp, ipv4, type Octets, putOctets, udp } from "../spec/frame";

/** All that a NAT reads or writes: an IPv4 header without options and the 12 bytes behind it. */
const HEAD_BYTES = 32;
const TRANSPORT_AT = 20;
const ESP_SEQUENCE_AT = TRANSPORT_AT + 4;

/** Packets of 84 bytes, as of a ping through a tunnel; the length makes no difference to a NAT's logic. */
const PAYLOAD_BYTES = 56;
const ANY_ADDRESSES = { from: "192.0.2.1", to: "192.0.2.2" };
const ESP_PATTERN = ipv4({ ...ANY_ADDRESSES, carrying: esp({ spi: 0x1000, payload: counting(PAYLOAD_BYTES) }) });
const UDP_PATTERN = ipv4({
  ...ANY_ADDRESSES,
  carrying: udp({ fromPort: 1000, toPort: 2000, payload: counting(PAYLOAD_BYTES) }),
});

/** Packets of one protocol, of each the part that matters. */
export class Packets {
  /** Of each packet, from its IPv4 header on. */
  readonly lengthBytes: number;
  /** Where the packet that was loaded last starts. */
  readonly frame = create(byteArray, 2048);
  private readonly heads: BytePtr;
  private readonly packet = new Ipv4View();
  private readonly udp = new UdpView();
  private sequence = 0;

  constructor(
    readonly count: number,
    readonly pattern: Octets,
  ) {
    this.lengthBytes = pattern.length;
    this.heads = create(byteArray, count * HEAD_BYTES);
  }

  static esp(this: void, count: number): Packets {
    return new Packets(count, ESP_PATTERN);
  }

  static udp(this: void, count: number): Packets {
    return new Packets(count, UDP_PATTERN);
  }

  /** Makes packet `at`. Addresses and the SPI are words. */
  putEsp(at: number, source: number, destination: number, spi: number): void {
    this.address(source, destination);
    writeWord(this.frame, TRANSPORT_AT, spi);
    this.keep(at);
  }

  /** Makes packet `at`, with a right checksum. */
  putUdp(at: number, source: number, sourcePort: number, destination: number, destinationPort: number): void {
    this.address(source, destination);
    this.udp.attach(this.frame, TRANSPORT_AT, this.lengthBytes - TRANSPORT_AT, false);
    this.udp.setSourcePort(sourcePort);
    this.udp.setDestinationPort(destinationPort);
    this.udp.completeChecksum(source, destination);
    this.keep(at);
  }

  /** The same packets in another order, in which one may come more than once. */
  arranged(order: readonly number[]): Packets {
    const packets = new Packets(order.length, this.pattern);
    putOctets(this.pattern, packets.frame, 0);
    packets.sequence = this.sequence;
    for (const at of $range(0, order.length - 1)) {
      copyBytes(packets.heads.plus(at * HEAD_BYTES), this.heads.plus(order[at] * HEAD_BYTES), HEAD_BYTES);
    }
    return packets;
  }

  /** Loads packet `at`. */
  load(at: number): void {
    copyBytes(this.frame, this.heads.plus(at * HEAD_BYTES), HEAD_BYTES);
  }

  /** Loads ESP packet `at`, with a sequence number higher than any before. */
  loadNext(at: number): void {
    this.sequence += 1;
    copyBytes(this.frame, this.heads.plus(at * HEAD_BYTES), HEAD_BYTES);
    writeWord(this.frame, ESP_SEQUENCE_AT, this.sequence);
  }

  private address(source: number, destination: number): void {
    putOctets(this.pattern, this.frame, 0);
    this.packet.attach(this.frame, 0, this.lengthBytes);
    this.packet.setSource(source);
    this.packet.setDestination(destination);
  }

  private keep(at: number): void {
    copyBytes(this.heads.plus(at * HEAD_BYTES), this.frame, HEAD_BYTES);
  }
}
