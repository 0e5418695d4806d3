// SPDX-License-Identifier: GPL-2.0-only
// The bytes of a simulated packet, as far as the table reads them: it is to parse and rewrite real ones.

import { checksumOf, sumPlainHeader } from "../../../src/wire/checksum";
import { type Bytes, readWord, write16, writeWord } from "../../../src/wire/bytes";
import { ESP_HEADER_BYTES } from "../../../src/wire/esp";
import { IPV4_HEADER_BYTES, Ipv4Field, Protocol } from "../../../src/wire/ipv4";
import { ISAKMP_HEADER_BYTES, IsakmpField } from "../../../src/wire/isakmp";
import { UDP_HEADER_BYTES, UdpField } from "../../../src/wire/udp";
import { newBuffer } from "../../spec/frame";
import type { EspPacket, IkePacket, Packet } from "../packet";

const DONT_FRAGMENT = 0x4000;
const TIME_TO_LIVE = 64;
const UDP_AT = IPV4_HEADER_BYTES;
const ISAKMP_AT = UDP_AT + UDP_HEADER_BYTES;
const IKE_BYTES = ISAKMP_AT + ISAKMP_HEADER_BYTES;

/** One frame that packets are written into, one after the other. */
export class FrameBytes {
  readonly bytes: Bytes = newBuffer(IKE_BYTES);

  /** Writes a packet; gives its length. Of an ESP packet's payload nothing is there but the header. */
  write(packet: Packet): number {
    const isEsp = packet.kind === "esp";
    const lengthBytes = isEsp ? IPV4_HEADER_BYTES + ESP_HEADER_BYTES : IKE_BYTES;
    this.writeIpv4(packet, isEsp ? Protocol.Esp : Protocol.Udp, lengthBytes);
    if (packet.kind === "esp") this.writeEsp(packet);
    else this.writeIke(packet);
    return lengthBytes;
  }

  source(): number {
    return readWord(this.bytes, Ipv4Field.Source);
  }

  destination(): number {
    return readWord(this.bytes, Ipv4Field.Destination);
  }

  private writeIpv4({ source, destination }: Packet, protocol: number, lengthBytes: number): void {
    const { bytes } = this;
    bytes[0] = 0x45;
    bytes[Ipv4Field.TypeOfService] = 0;
    write16(bytes, Ipv4Field.TotalLength, lengthBytes);
    write16(bytes, Ipv4Field.Identification, 0);
    write16(bytes, Ipv4Field.FlagsAndFragmentOffset, DONT_FRAGMENT);
    bytes[Ipv4Field.TimeToLive] = TIME_TO_LIVE;
    bytes[Ipv4Field.Protocol] = protocol;
    write16(bytes, Ipv4Field.HeaderChecksum, 0);
    writeWord(bytes, Ipv4Field.Source, source);
    writeWord(bytes, Ipv4Field.Destination, destination);
    write16(bytes, Ipv4Field.HeaderChecksum, checksumOf(sumPlainHeader(bytes, 0)));
  }

  private writeEsp({ spi, sequence }: EspPacket): void {
    writeWord(this.bytes, IPV4_HEADER_BYTES, spi);
    writeWord(this.bytes, IPV4_HEADER_BYTES + 4, sequence);
  }

  private writeIke({ sourcePort, destinationPort, cookies, version, exchangeType }: IkePacket): void {
    const { bytes } = this;
    write16(bytes, UDP_AT + UdpField.SourcePort, sourcePort);
    write16(bytes, UDP_AT + UdpField.DestinationPort, destinationPort);
    write16(bytes, UDP_AT + UdpField.Length, UDP_HEADER_BYTES + ISAKMP_HEADER_BYTES);
    write16(bytes, UDP_AT + UdpField.Checksum, 0);
    writeWord(bytes, ISAKMP_AT + IsakmpField.InitiatorCookie, cookies.initiatorHigh);
    writeWord(bytes, ISAKMP_AT + IsakmpField.InitiatorCookie + 4, cookies.initiatorLow);
    writeWord(bytes, ISAKMP_AT + IsakmpField.ResponderCookie, cookies.responderHigh);
    writeWord(bytes, ISAKMP_AT + IsakmpField.ResponderCookie + 4, cookies.responderLow);
    bytes[ISAKMP_AT + IsakmpField.Version] = version << 4;
    bytes[ISAKMP_AT + IsakmpField.ExchangeType] = exchangeType;
    writeWord(bytes, ISAKMP_AT + IsakmpField.Length, ISAKMP_HEADER_BYTES);
  }
}
