// SPDX-License-Identifier: GPL-2.0-only
// The Ethernet header (IEEE 802.3, 802.1Q): what a frame carries, and whether a VLAN tag stands before it.

import { Bytes, read16 } from "./bytes";

/** Ethertypes that matter here. */
export const enum EtherType {
  Ipv4 = 0x0800,
  Arp = 0x0806,
  Ipv6 = 0x86dd,
  /** 802.1Q customer tag. */
  Vlan = 0x8100,
  /** 802.1ad service tag. */
  ServiceVlan = 0x88a8,
}

/** Where each field of the header starts, in bytes. */
export const enum EthernetField {
  Destination = 0,
  Source = 6,
  EtherType = 12,
}

export const ETHERNET_HEADER_BYTES = 14;
export const HARDWARE_ADDRESS_BYTES = 6;
const VLAN_TAG_BYTES = 4;

/** Why bytes are not an Ethernet frame. */
export type EthernetFault = "ethernet-truncated";

/** One line for people about each fault. */
export const ETHERNET_FAULTS: Record<EthernetFault, string> = {
  "ethernet-truncated": "the frame ends before the Ethernet header does",
};

/** Copies a hardware address of 6 bytes, unrolled: it is done twice for every forwarded frame. */
export function copyHardwareAddress(from: Bytes, fromAt: number, to: Bytes, toAt: number): void {
  to[toAt] = from[fromAt];
  to[toAt + 1] = from[fromAt + 1];
  to[toAt + 2] = from[fromAt + 2];
  to[toAt + 3] = from[fromAt + 3];
  to[toAt + 4] = from[fromAt + 4];
  to[toAt + 5] = from[fromAt + 5];
}

/** A view over one Ethernet frame. Keep one instance and attach it to each frame in turn. */
export class EthernetView {
  frame: Bytes = {};
  at = 0;
  /** What the payload is, behind a VLAN tag if there is one. A second tag counts as payload of type `Vlan`. */
  etherType = 0;
  /** 0 … 4095; -1 for a frame without a tag. */
  vlanId = -1;
  payloadAt = 0;
  payloadBytes = 0;

  /**
   * Takes the frame at `at`.
   *
   * @param availableBytes from the destination address to the end, without the frame check sequence
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number): EthernetFault | undefined {
    if (availableBytes < ETHERNET_HEADER_BYTES) return "ethernet-truncated";
    let etherType = read16(frame, at + EthernetField.EtherType);
    let headerBytes = ETHERNET_HEADER_BYTES;
    let vlanId = -1;
    if (etherType === EtherType.Vlan || etherType === EtherType.ServiceVlan) {
      headerBytes = ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
      if (availableBytes < headerBytes) return "ethernet-truncated";
      vlanId = read16(frame, at + ETHERNET_HEADER_BYTES) & 0xfff;
      etherType = read16(frame, at + ETHERNET_HEADER_BYTES + 2);
    }
    this.frame = frame;
    this.at = at;
    this.etherType = etherType;
    this.vlanId = vlanId;
    this.payloadAt = at + headerBytes;
    this.payloadBytes = availableBytes - headerBytes;
    return undefined;
  }

  isVlanTagged(): boolean {
    return this.vlanId !== -1;
  }

  /** Whether the frame goes to a group: multicast or broadcast (the I/G bit, IEEE 802 §8.2). */
  isToGroup(): boolean {
    return (this.frame[this.at + EthernetField.Destination] & 1) !== 0;
  }
}
