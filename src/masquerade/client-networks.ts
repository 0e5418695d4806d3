// SPDX-License-Identifier: GPL-2.0-only
// Which addresses are clients: those of the LAN's networks. Others are spoofed, or not ours to translate.

import { type Prefix, prefixMask } from "../wire/address";

export class ClientNetworks {
  // The first network is compared without a loop, for the per-packet path; nearly every LAN has only one.
  private mask = 0;
  private network = -1;
  private others: Prefix[] = [];
  private all: readonly Prefix[] = [];

  set(networks: readonly Prefix[]): void {
    const [first, ...others] = networks;
    this.mask = first === undefined ? 0 : prefixMask(first.lengthBits);
    this.network = first === undefined ? -1 : first.network;
    this.others = others;
    this.all = networks;
  }

  /** @param address a word */
  holds(address: number): boolean {
    return (address & this.mask) === this.network || (this.others.length > 0 && this.isInAnother(address));
  }

  list(): readonly Prefix[] {
    return this.all;
  }

  private isInAnother(address: number): boolean {
    return this.others.some((prefix) => (address & prefixMask(prefix.lengthBits)) === prefix.network);
  }
}
