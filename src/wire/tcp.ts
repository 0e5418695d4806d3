// SPDX-License-Identifier: GPL-2.0-only
// The TCP header (RFC 9293 §3.1): ports, flags, and a checksum that is kept right from differences.

import { Bytes, read16, readWord, write16 } from "./bytes";
import { checksumOf, sumBytes, sumPseudoHeader, updateChecksum16, updateChecksumWord } from "./checksum";
import { Protocol } from "./ipv4";

/** Where each field of the header starts, in bytes. */
export const enum TcpField {
  SourcePort = 0,
  DestinationPort = 2,
  SequenceNumber = 4,
  AcknowledgmentNumber = 8,
  HeaderLength = 12,
  Flags = 13,
  Window = 14,
  Checksum = 16,
}

/** The control bits (RFC 9293 §3.1). */
export const enum TcpFlag {
  Fin = 0x01,
  Syn = 0x02,
  Rst = 0x04,
  Psh = 0x08,
  Ack = 0x10,
  Urg = 0x20,
}

const PLAIN_HEADER_BYTES = 20;

/** Why bytes are not a TCP segment. */
export type TcpFault = "tcp-truncated" | "tcp-header-length";

/** One line for people about each fault. */
export const TCP_FAULTS: Record<TcpFault, string> = {
  "tcp-truncated": "the IPv4 packet ends before the TCP header does",
  "tcp-header-length": "the TCP header length is below 20 bytes",
};

/** A view over one TCP segment in a frame. Keep one instance and attach it to each segment in turn. */
export class TcpView {
  frame: Bytes = {};
  at = 0;
  headerBytes = 0;
  /** Header and payload: the IPv4 payload. */
  segmentBytes = 0;
  payloadAt = 0;
  payloadBytes = 0;

  /**
   * Takes the TCP segment at `at`. The 20 bytes of the header without options must be there even in a first fragment:
   * one that hides the flags in a second fragment has only ever been an attack (RFC 1858 §3).
   *
   * @param availableBytes the IPv4 payload
   * @param isFirstFragment whether the rest comes in other fragments, so that the options may end early here
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number, isFirstFragment: boolean): TcpFault | undefined {
    if (availableBytes < PLAIN_HEADER_BYTES) return "tcp-truncated";
    const headerBytes = (frame[at + TcpField.HeaderLength] >> 4) * 4;
    if (headerBytes < PLAIN_HEADER_BYTES) return "tcp-header-length";
    if (headerBytes > availableBytes && !isFirstFragment) return "tcp-truncated";
    const presentHeaderBytes = headerBytes < availableBytes ? headerBytes : availableBytes;
    this.frame = frame;
    this.at = at;
    this.headerBytes = headerBytes;
    this.segmentBytes = availableBytes;
    this.payloadAt = at + presentHeaderBytes;
    this.payloadBytes = availableBytes - presentHeaderBytes;
    return undefined;
  }

  sourcePort(): number {
    return read16(this.frame, this.at + TcpField.SourcePort);
  }

  destinationPort(): number {
    return read16(this.frame, this.at + TcpField.DestinationPort);
  }

  /** A word: compare two of them by `toWord(a - b)`. */
  sequenceNumber(): number {
    return readWord(this.frame, this.at + TcpField.SequenceNumber);
  }

  /** A word; it means something when {@link TcpFlag}.Ack is set. */
  acknowledgmentNumber(): number {
    return readWord(this.frame, this.at + TcpField.AcknowledgmentNumber);
  }

  /** Bits of {@link TcpFlag}. */
  flags(): number {
    return this.frame[this.at + TcpField.Flags];
  }

  isSyn(): boolean {
    return (this.flags() & TcpFlag.Syn) !== 0;
  }

  isAck(): boolean {
    return (this.flags() & TcpFlag.Ack) !== 0;
  }

  isFin(): boolean {
    return (this.flags() & TcpFlag.Fin) !== 0;
  }

  isRst(): boolean {
    return (this.flags() & TcpFlag.Rst) !== 0;
  }

  checksum(): number {
    return read16(this.frame, this.at + TcpField.Checksum);
  }

  setSourcePort(port: number): void {
    this.setPort(this.at + TcpField.SourcePort, port);
  }

  setDestinationPort(port: number): void {
    this.setPort(this.at + TcpField.DestinationPort, port);
  }

  private setPort(portAt: number, port: number): void {
    const before = read16(this.frame, portAt);
    write16(this.frame, portAt, port);
    this.setChecksum(updateChecksum16(this.checksum(), before, port));
  }

  /** Follows an address of the pseudo header from `oldWord` to `newWord`: call it beside the IPv4 header's setter. */
  applyAddressChange(oldWord: number, newWord: number): void {
    this.setChecksum(updateChecksumWord(this.checksum(), oldWord, newWord));
  }

  /**
   * Computes the whole checksum, for a frame whose sender left it to the hardware (the kernel's CHECKSUM_PARTIAL: the
   * field holds only the pseudo header's sum). Call it after all rewriting, on whole segments only.
   *
   * @param source the address that the segment is sent with, a word
   * @param destination likewise
   */
  completeChecksum(source: number, destination: number): void {
    this.setChecksum(0);
    const pseudoHeader = sumPseudoHeader(source, destination, Protocol.Tcp, this.segmentBytes);
    this.setChecksum(checksumOf(sumBytes(this.frame, this.at, this.segmentBytes, pseudoHeader)));
  }

  private setChecksum(checksum: number): void {
    write16(this.frame, this.at + TcpField.Checksum, checksum);
  }
}
