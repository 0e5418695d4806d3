// SPDX-License-Identifier: GPL-2.0-only
// VPN Masquerade as published, with the figures of Hardin's patch for Linux 2.2: one outstanding ESP item a server,
// other clients' first packets dropped meanwhile, a server's unknown SPI to whoever spoke IKE with it lately.

import type { EspPacket } from "../packet";
import { CookieNat } from "./cookie-nat";

/** How long an item may stay outstanding, and how many more packets it may send once others were dropped for it. */
export const HARDIN_OUTSTANDING_MS = 120000;
export const HARDIN_OUTSTANDING_SENDS = 5;
/** An established item without traffic is forgotten. */
export const HARDIN_IDLE_MS = 900000;
const MULTICAST_MAX = 5;
/** IKE entries lived ten minutes, and were counted as recent with more than five left. */
const IKE_RECENT_MS = 300000;

interface Item {
  readonly client: number;
  readonly server: number;
  readonly outSpi: number;
  inSpi: number | undefined;
  readonly createdMs: number;
  lastMs: number;
  sends: number;
  hasBlocked: boolean;
}

export class HardinNat extends CookieNat {
  private items: Item[] = [];

  protected forgetEsp(): void {
    this.items = [];
  }

  protected espFromLan(packet: EspPacket): void {
    this.expire();
    const { source, destination, spi } = packet;
    const known = this.items.find(
      (item) => item.client === source && item.server === destination && item.outSpi === spi,
    );
    const item = known ?? this.open(source, destination, spi);
    if (item === undefined) return;
    item.lastMs = this.nowMs();
    if (item.inSpi === undefined && item.hasBlocked) {
      item.sends += 1;
      if (item.sends > HARDIN_OUTSTANDING_SENDS) return;
    }
    this.espOut(packet);
  }

  protected espFromWan(packet: EspPacket): void {
    this.expire();
    const { source, spi } = packet;
    const known = this.items.find((item) => item.server === source && item.inSpi === spi);
    const item = known ?? this.outstandingOf(source);
    if (item === undefined) {
      this.espIn(packet, this.speakersWith(source, this.nowMs() - IKE_RECENT_MS).slice(0, MULTICAST_MAX));
      return;
    }
    item.inSpi = spi;
    item.lastMs = this.nowMs();
    this.espIn(packet, [item.client]);
  }

  private outstandingOf(server: number): Item | undefined {
    return this.items.find((item) => item.server === server && item.inSpi === undefined);
  }

  private open(client: number, server: number, outSpi: number): Item | undefined {
    const rival = this.outstandingOf(server);
    if (rival !== undefined) {
      rival.hasBlocked = rival.hasBlocked || rival.client !== client;
      return undefined;
    }
    const nowMs = this.nowMs();
    const times = { createdMs: nowMs, lastMs: nowMs };
    const item: Item = { client, server, outSpi, inSpi: undefined, ...times, sends: 0, hasBlocked: false };
    this.items.push(item);
    return item;
  }

  private expire(): void {
    const nowMs = this.nowMs();
    const isOver = (item: Item): boolean =>
      item.inSpi === undefined
        ? nowMs - item.createdMs >= HARDIN_OUTSTANDING_MS
        : nowMs - item.lastMs >= HARDIN_IDLE_MS;
    this.items = this.items.filter((item) => !isOver(item));
  }
}
