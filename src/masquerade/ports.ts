// SPDX-License-Identifier: GPL-2.0-only
// Which external ports (or ICMP query identifiers) are taken, and which one a client's port becomes.
//
// A port is kept as it is where that is free, because some peers expect it and people find it easier to follow. Where
// it is not, the substitute is of the same half (below 1024 or not, RFC 4787 REQ-3a) and, while there are any, of the
// same parity (REQ-4: RTP has an even port and RTCP the odd one). One bit a port; ports that are not ours to give are
// marked as taken from the start.

import { unsigned } from "../wire/word";
import { allocateWords, type Words } from "./memory";

/** What {@link Ports.take} answers when there is no port to give. */
export const NO_PORT = -1;

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  first: number;
  last: number;
}

/** The external ports that clients may get; the router keeps all others for its own sockets. */
export interface PortRanges {
  /** For clients' ports below 1024. */
  wellKnown: PortRange;
  /** For clients' ports from 1024. */
  others: PortRange;
}

/**
 * For TCP and UDP. From 600 as the Linux kernel's masquerade does, which leaves the ports of common services to the
 * router; up to 60999, where the kernel's own range for outgoing connections can begin.
 */
export const DEFAULT_PORTS: PortRanges = {
  wellKnown: { first: 600, last: 1023 },
  others: { first: 1024, last: 60999 },
};

/** For ICMP queries: every identifier, since the kernel sorts replies to its own pings from those that are ours. */
export const ICMP_IDENTIFIERS: PortRanges = {
  wellKnown: { first: 0, last: 1023 },
  others: { first: 1024, last: 65535 },
};

const WELL_KNOWN_END = 1024;
const PORTS = 65536;
const BITS_PER_WORD = 32;
const WORDS = PORTS / BITS_PER_WORD;
const ALL_TAKEN = -1;
const EVEN_PORTS = 0x55555555;
const ODD_PORTS = ~0x55555555;
/** The fractional parts of its multiples are the most even spread there is (Knuth, TAOCP 6.4). */
const GOLDEN_RATIO = 0.6180339887498949;

function lowestBit(word: number): number {
  let bit = 0;
  while ((word & (1 << bit)) === 0) bit += 1;
  return bit;
}

export class Ports {
  private readonly taken: Words = allocateWords(WORDS);

  /** @param seed unknown to the network: two routers, or two starts of one, give different substitutes */
  constructor(
    private readonly ranges: PortRanges,
    private readonly seed: number,
  ) {
    this.clear();
  }

  /**
   * Takes an external port for a client's port: the same one where it is free.
   *
   * A client's port 0 stays 0 or is refused, and no other becomes 0, because a verdict's port 0 means "unchanged".
   *
   * @param client a word: its substitutes start at a place of their own
   * @returns the port, or {@link NO_PORT}
   */
  take(client: number, clientPort: number): number {
    if (this.isFree(clientPort)) return this.mark(clientPort);
    if (clientPort === 0) return NO_PORT;
    const range = clientPort < WELL_KNOWN_END ? this.ranges.wellKnown : this.ranges.others;
    const sameParity = (clientPort & 1) === 0 ? EVEN_PORTS : ODD_PORTS;
    const substitute = this.search(range, client, sameParity);
    if (substitute !== NO_PORT) return this.mark(substitute);
    const otherParity = this.search(range, client, ~sameParity);
    return otherParity === NO_PORT ? NO_PORT : this.mark(otherParity);
  }

  /** Gives a port back that {@link take} gave. */
  release(port: number): void {
    this.taken[port >> 5] = this.taken[port >> 5] & ~(1 << (port & 31));
  }

  /** Keeps a port from clients until {@link clear}: one that a service of the router listens on. */
  reserve(port: number): void {
    this.mark(port);
  }

  isFree(port: number): boolean {
    return (this.taken[port >> 5] & (1 << (port & 31))) === 0;
  }

  /** Takes all ports back, and forgets what was reserved. */
  clear(): void {
    for (const index of $range(0, WORDS - 1)) this.taken[index] = ALL_TAKEN;
    this.openRange(this.ranges.wellKnown);
    this.openRange(this.ranges.others);
  }

  memoryBytes(): number {
    return WORDS * 4;
  }

  private openRange(range: PortRange): void {
    for (const port of $range(range.first, range.last)) this.release(port);
  }

  private mark(port: number): number {
    this.taken[port >> 5] = this.taken[port >> 5] | (1 << (port & 31));
    return port;
  }

  /**
   * The next free port of a parity from a place that depends on the client, 16 candidates at a look; at most 2048
   * looks, and only for the first packet of a client's port.
   */
  private search(range: PortRange, client: number, parity: number): number {
    const firstWord = range.first >> 5;
    const words = (range.last >> 5) - firstWord + 1;
    const start = this.startOf(client, words);
    for (const step of $range(0, words - 1)) {
      const turned = start + step;
      const index = firstWord + (turned < words ? turned : turned - words);
      const free = ~this.taken[index] & parity & (index === 0 ? ~1 : -1);
      if (free !== 0) return index * BITS_PER_WORD + lowestBit(free);
    }
    return NO_PORT;
  }

  /** Where a client's substitutes begin, 0 … `words`−1. */
  private startOf(client: number, words: number): number {
    const turned = unsigned(client ^ this.seed) * GOLDEN_RATIO;
    return Math.floor((turned - Math.floor(turned)) * words);
  }
}
