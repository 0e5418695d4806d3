// SPDX-License-Identifier: GPL-2.0-only
// Frames of many tunnels for one router, made once and sent again and again: only the sequence number changes.

import { byteArray, type BytePtr, create } from "../../src/system/ffi";
import { ETHERNET_HEADER_BYTES } from "../../src/wire/ethernet";
import { IPV4_HEADER_BYTES } from "../../src/wire/ipv4";
import { ESP_HEADER_BYTES } from "../../src/wire/esp";
import { writeWord } from "../../src/wire/bytes";
import { modulo } from "../../src/wire/word";
import { counting, esp, ethernet, ipv4, putOctets } from "../spec/frame";
import { clientAddress, ROUTER_MAC, serverAddress } from "./site";

const OUT_SPI = 0x10000000;
const IN_SPI = 0x20000000;
const SEQUENCE_AT = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + 4;

export type Direction = "out" | "in";

export interface FrameOptions {
  readonly tunnels: number;
  /** Of the IP packet. */
  readonly packetBytes: number;
  readonly direction: Direction;
  /** Where packets that come in are sent: the router's WAN address; absent where there is no NAT, to the client. */
  readonly wanAddress?: string;
  /** Pairs clients and servers anew: in round r, server n's client is n + r. 0 if nothing is said. */
  readonly round?: number;
  /** The router's hardware address, if not that of {@link Site}. */
  readonly to?: string;
}

export class TunnelFrames {
  readonly frameBytes: number;
  readonly frames: Record<number, BytePtr> = {};
  private readonly tunnels: number;
  private at = 0;
  private sequence = 1;

  constructor(options: FrameOptions) {
    this.tunnels = options.tunnels;
    this.frameBytes = ETHERNET_HEADER_BYTES + options.packetBytes;
    for (const tunnel of $range(0, options.tunnels - 1)) {
      const octets = ethernet({ to: options.to ?? ROUTER_MAC, payload: packetOf(tunnel, options) });
      const frame = create(byteArray, octets.length);
      putOctets(octets, frame, 0);
      this.frames[tunnel] = frame;
    }
  }

  /** The next tunnel's frame, with a sequence number that it did not have before. */
  next(): BytePtr {
    const frame = this.frames[this.at];
    writeWord(frame, SEQUENCE_AT, this.sequence);
    this.at += 1;
    if (this.at === this.tunnels) {
      this.at = 0;
      this.sequence += 1;
    }
    return frame;
  }
}

/** Epochs of their own for each size of packets: a sequence number that was used must not come again. */
function packetOf(tunnel: number, { tunnels, packetBytes, direction, wanAddress, round = 0 }: FrameOptions): number[] {
  const epoch = (packetBytes << 12) + round * tunnels + tunnel;
  const payload = counting(packetBytes - IPV4_HEADER_BYTES - ESP_HEADER_BYTES);
  const client = clientAddress(modulo(tunnel + round, tunnels));
  const server = serverAddress(tunnel);
  if (direction === "out") return ipv4({ from: client, to: server, carrying: esp({ spi: OUT_SPI + epoch, payload }) });
  return ipv4({ from: server, to: wanAddress ?? client, carrying: esp({ spi: IN_SPI + epoch, payload }) });
}
