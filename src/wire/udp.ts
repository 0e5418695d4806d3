// SPDX-License-Identifier: GPL-2.0-only
// The UDP header (RFC 768): ports, and a checksum that is kept right from differences.
//
// A checksum of 0 says that the sender made none, and stays 0; one that computes to 0 is sent as 0xffff.

import { Bytes, read16, write16 } from "./bytes";
import { checksumOf, sumBytes, sumPseudoHeader, updateChecksum16, updateChecksumWord } from "./checksum";
import { Protocol } from "./ipv4";

/** Where each field of the header starts, in bytes. */
export const enum UdpField {
  SourcePort = 0,
  DestinationPort = 2,
  Length = 4,
  Checksum = 6,
}

export const UDP_HEADER_BYTES = 8;

/** Why bytes are not a UDP packet. */
export type UdpFault = "udp-truncated" | "udp-length";

/** One line for people about each fault. */
export const UDP_FAULTS: Record<UdpFault, string> = {
  "udp-truncated": "the IPv4 packet ends before the UDP packet does",
  "udp-length": "the length in the UDP header is smaller than the header",
};

/** What stands in the header for a checksum that computed to `checksum`. */
export function udpChecksumOnWire(checksum: number): number {
  return checksum === 0 ? 0xffff : checksum;
}

/** A view over one UDP packet in a frame. Keep one instance and attach it to each packet in turn. */
export class UdpView {
  frame: Bytes = {};
  at = 0;
  /** Header and payload, as the header says: more than is there in a first fragment. */
  lengthBytes = 0;
  payloadAt = 0;
  /** What of the payload is there. */
  payloadBytes = 0;

  /**
   * Takes the UDP packet at `at`.
   *
   * @param availableBytes the IPv4 payload
   * @param isFirstFragment whether the rest of the packet comes in other fragments, so that it may end early here
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number, isFirstFragment: boolean): UdpFault | undefined {
    if (availableBytes < UDP_HEADER_BYTES) return "udp-truncated";
    const lengthBytes = read16(frame, at + UdpField.Length);
    if (lengthBytes < UDP_HEADER_BYTES) return "udp-length";
    if (lengthBytes > availableBytes && !isFirstFragment) return "udp-truncated";
    this.frame = frame;
    this.at = at;
    this.lengthBytes = lengthBytes;
    this.payloadAt = at + UDP_HEADER_BYTES;
    this.payloadBytes = (lengthBytes < availableBytes ? lengthBytes : availableBytes) - UDP_HEADER_BYTES;
    return undefined;
  }

  sourcePort(): number {
    return read16(this.frame, this.at + UdpField.SourcePort);
  }

  destinationPort(): number {
    return read16(this.frame, this.at + UdpField.DestinationPort);
  }

  /** 0 when the sender made none. */
  checksum(): number {
    return read16(this.frame, this.at + UdpField.Checksum);
  }

  setSourcePort(port: number): void {
    this.setPort(this.at + UdpField.SourcePort, port);
  }

  setDestinationPort(port: number): void {
    this.setPort(this.at + UdpField.DestinationPort, port);
  }

  private setPort(portAt: number, port: number): void {
    const before = read16(this.frame, portAt);
    write16(this.frame, portAt, port);
    const checksum = this.checksum();
    if (checksum !== 0) this.setChecksum(updateChecksum16(checksum, before, port));
  }

  /** Follows an address of the pseudo header from `oldWord` to `newWord`: call it beside the IPv4 header's setter. */
  applyAddressChange(oldWord: number, newWord: number): void {
    const checksum = this.checksum();
    if (checksum !== 0) this.setChecksum(updateChecksumWord(checksum, oldWord, newWord));
  }

  /**
   * Computes the whole checksum, for a frame whose sender left it to the hardware (the kernel's CHECKSUM_PARTIAL: the
   * field holds only the pseudo header's sum). Call it after all rewriting, on whole packets only.
   *
   * @param source the address that the packet is sent with, a word
   * @param destination likewise
   */
  completeChecksum(source: number, destination: number): void {
    write16(this.frame, this.at + UdpField.Checksum, 0);
    const pseudoHeader = sumPseudoHeader(source, destination, Protocol.Udp, this.lengthBytes);
    const presentBytes = UDP_HEADER_BYTES + this.payloadBytes;
    this.setChecksum(checksumOf(sumBytes(this.frame, this.at, presentBytes, pseudoHeader)));
  }

  private setChecksum(checksum: number): void {
    write16(this.frame, this.at + UdpField.Checksum, udpChecksumOnWire(checksum));
  }
}
