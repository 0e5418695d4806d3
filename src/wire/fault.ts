// SPDX-License-Identifier: GPL-2.0-only
// Every reason why bytes are refused as a packet, in one table: the counters are made from it, and people read it.

import { ESP_FAULTS, EspFault } from "./esp";
import { ETHERNET_FAULTS, EthernetFault } from "./ethernet";
import { ICMP_FAULTS, IcmpFault } from "./icmp";
import { IPV4_FAULTS, Ipv4Fault } from "./ipv4";
import { ISAKMP_FAULTS, IsakmpFault } from "./isakmp";
import { TCP_FAULTS, TcpFault } from "./tcp";
import { UDP_FAULTS, UdpFault } from "./udp";

/** Why bytes are not a well-formed packet: what an `attach` returns. */
export type WireFault = EthernetFault | Ipv4Fault | UdpFault | TcpFault | IcmpFault | EspFault | IsakmpFault;

/** One line for people about each fault. */
export const WIRE_FAULTS: Record<WireFault, string> = {
  ...ETHERNET_FAULTS,
  ...IPV4_FAULTS,
  ...UDP_FAULTS,
  ...TCP_FAULTS,
  ...ICMP_FAULTS,
  ...ESP_FAULTS,
  ...ISAKMP_FAULTS,
};
