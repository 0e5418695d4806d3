// SPDX-License-Identifier: GPL-2.0-only
// The ESP pass-through of routers' SoC kernels: a few entries, a new epoch in the place of the old one of its client,
// and a new client in the place of the oldest.

import type { EspPacket } from "../packet";
import { CookieNat } from "./cookie-nat";

/** Broadcom's kernels have 8, Realtek's 16. */
const ENTRIES_MAX = 8;

interface Entry {
  readonly client: number;
  readonly server: number;
  outSpi: number;
  inSpi: number | undefined;
}

export class DropOldestNat extends CookieNat {
  /** Oldest first. */
  private entries: Entry[] = [];

  protected forgetEsp(): void {
    this.entries = [];
  }

  protected espFromLan(packet: EspPacket): void {
    const { source, destination, spi } = packet;
    const known = this.entries.find((entry) => entry.client === source && entry.server === destination);
    if (known === undefined) {
      if (this.entries.length >= ENTRIES_MAX) this.entries.shift();
      this.entries.push({ client: source, server: destination, outSpi: spi, inSpi: undefined });
    } else if (known.outSpi !== spi) {
      known.outSpi = spi;
      known.inSpi = undefined;
    }
    this.espOut(packet);
  }

  protected espFromWan(packet: EspPacket): void {
    const { source, spi } = packet;
    const known = this.entries.find((entry) => entry.server === source && entry.inSpi === spi);
    const entry = known ?? this.entries.find((other) => other.server === source && other.inSpi === undefined);
    if (entry === undefined) return;
    entry.inSpi = spi;
    this.espIn(packet, [entry.client]);
  }
}
