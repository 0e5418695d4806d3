// SPDX-License-Identifier: GPL-2.0-only
// Sample packets as a client sends them, through the parsers the router uses.

import { assertEquals, assertNil } from "luaunit";
import { formatAddress } from "../../src/wire/address";
import { EspView } from "../../src/wire/esp";
import { Ipv4View, Protocol } from "../../src/wire/ipv4";
import { ISAKMP_PORT, IsakmpView } from "../../src/wire/isakmp";
import { UdpView } from "../../src/wire/udp";
import { toWord } from "../../src/wire/word";
import { octets } from "./octets";
import type { Test } from "./test";

/** 192.168.1.2 → 203.0.113.1, ESP, SPI 0xc0ffee01, sequence number 7. */
const ESP_PACKET = "450000241234400040322ac8c0a80102cb007101c0ffee01000000070011223344556677";
/** 192.168.1.2 → 203.0.113.1, UDP 500 → 500, IKE_SA_INIT of IKEv2. */
const IKE_PACKET =
  "450000381234400040112ad5c0a80102cb007101" +
  "01f401f4002465bc8877665544332211000000000000000021202208000000000000001c";

function attached(hexadecimal: string): Ipv4View {
  const ipv4 = new Ipv4View();
  assertNil(ipv4.attach(octets(hexadecimal), 0, string.len(hexadecimal) / 2));
  return ipv4;
}

export const packetTests: Test[] = [
  [
    "an ESP packet shows its addresses, SPI and sequence number",
    () => {
      const ipv4 = attached(ESP_PACKET);
      assertEquals(ipv4.protocol(), Protocol.Esp);
      assertEquals(formatAddress(ipv4.source()), "192.168.1.2");
      const esp = new EspView();
      assertNil(esp.attach(ipv4.frame, ipv4.payloadAt, ipv4.payloadBytes));
      assertEquals(esp.spi(), toWord(0xc0ffee01));
      assertEquals(esp.sequenceNumber(), 7);
    },
  ],
  [
    "an IKE message shows its cookies and exchange",
    () => {
      const ipv4 = attached(IKE_PACKET);
      const udp = new UdpView();
      assertNil(udp.attach(ipv4.frame, ipv4.payloadAt, ipv4.payloadBytes, false));
      assertEquals(udp.sourcePort(), ISAKMP_PORT);
      const message = new IsakmpView();
      assertNil(message.attach(ipv4.frame, udp.payloadAt, udp.payloadBytes, false));
      assertEquals(message.initiatorCookieHigh(), toWord(0x88776655));
      assertEquals(message.hasResponderCookie(), false);
      assertEquals(message.majorVersion(), 2);
    },
  ],
  [
    "a rewritten source leaves a packet that is right again",
    () => {
      const ipv4 = attached(ESP_PACKET);
      ipv4.setSource(toWord(0xc6336401));
      assertNil(new Ipv4View().attach(ipv4.frame, 0, ipv4.totalBytes));
      assertEquals(formatAddress(ipv4.source()), "198.51.100.1");
    },
  ],
  [
    "a damaged header is refused with a reason",
    () => {
      const bytes = octets(ESP_PACKET);
      bytes[8] += 1;
      assertEquals(new Ipv4View().attach(bytes, 0, 36), "ipv4-bad-checksum");
    },
  ],
];
