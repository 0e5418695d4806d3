// SPDX-License-Identifier: GPL-2.0-only
// A good packet of every kind that the wire layer reads, to be damaged.

import { counting, esp, fragmentsOf, hex, icmpEcho, icmpError, ike, ipv4, type Octets, tcp, udp } from "../frame";

const udpPacket = udp({ fromPort: 40000, toPort: 53, payload: counting(30) });
const ikePacket = ike({ initiatorCookie: "0123456789abcdef", responderCookie: "fedcba9876543210" });
const tcpPacket = tcp({ fromPort: 1, toPort: 2, flags: "S", options: hex("020405b4"), payload: counting(11) });
const aboutIke = ipv4({ from: "198.51.100.7", to: "203.0.113.1", carrying: ikePacket });
const packet = (carrying: typeof udpPacket): Octets => ipv4({ from: "192.168.1.2", to: "203.0.113.1", carrying });
export const SAMPLE_PACKETS: readonly Octets[] = [
  packet(esp({ spi: 0xc0ffee01 })),
  packet(udpPacket),
  packet(ikePacket),
  packet(tcpPacket),
  packet(icmpEcho({ identifier: 9 })),
  packet(icmpError({ about: aboutIke })),
  packet(icmpError({ about: packet(tcpPacket), quotedBytes: 36 })),
  ipv4({ from: "10.0.0.1", to: "10.0.0.2", carrying: udpPacket, options: hex("07 07 04 00 00 00 00 94 04 00 00") }),
  fragmentsOf(packet(udpPacket), 24)[0],
  fragmentsOf(packet(udpPacket), 24)[1],
];
