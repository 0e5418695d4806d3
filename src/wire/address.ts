// SPDX-License-Identifier: GPL-2.0-only
// What people read and write: IPv4 addresses, prefixes, SPIs and cookies as text.
//
// Parsing is strict. "010.0.0.1" is 8.0.0.1 to some programs and 10.0.0.1 to others, so it is nothing here; a prefix
// with bits set behind its length is a mistake that is better shown than corrected.

import { toWord, unsigned } from "./word";

/** What {@link parseAddress} accepts, for error messages. */
export const ADDRESS_ACCEPTED = "four decimal numbers 0-255 without leading zeros, as 192.0.2.1";

/** What {@link parsePrefix} accepts, for error messages. */
export const PREFIX_ACCEPTED = "an address with host bits 0 and a length 0-32, as 192.0.2.0/24";

/** What {@link parseSpi} accepts, for error messages. */
export const SPI_ACCEPTED = "0x and 1 to 8 hexadecimal digits, as 0xc0ffee01";

/** A range of addresses that share their first `lengthBits` bits. */
export interface Prefix {
  /** A word, 0 behind the prefix's bits. */
  network: number;
  /** 0 … 32. */
  lengthBits: number;
}

/** An address (a word) as four decimal numbers. */
export function formatAddress(word: number): string {
  return string.format("%d.%d.%d.%d", (word >> 24) & 0xff, (word >> 16) & 0xff, (word >> 8) & 0xff, word & 0xff);
}

/** A decimal number without leading zeros, at most `max`; undefined for anything else, and for no text at all. */
function parseDecimal(text: string | undefined, max: number): number | undefined {
  if (text === undefined || string.len(text) > 3) return undefined;
  if (string.len(text) > 1 && string.byte(text) === string.byte("0")) return undefined;
  const value = tonumber(text, 10);
  return value !== undefined && value <= max ? value : undefined;
}

/** An address as a word; undefined when the text is not what {@link ADDRESS_ACCEPTED} says. */
export function parseAddress(text: string): number | undefined {
  const [first, second, third, fourth] = string.match(text, "^(%d+)%.(%d+)%.(%d+)%.(%d+)$");
  const a = parseDecimal(first, 255);
  const b = parseDecimal(second, 255);
  const c = parseDecimal(third, 255);
  const d = parseDecimal(fourth, 255);
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined;
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** The mask of a prefix length, a word. */
export function prefixMask(lengthBits: number): number {
  // Shifts count modulo 32, so the empty mask cannot be had by shifting.
  return lengthBits === 0 ? 0 : toWord(-1 << (32 - lengthBits));
}

/** A prefix as text. */
export function formatPrefix(prefix: Prefix): string {
  return string.format("%s/%d", formatAddress(prefix.network), prefix.lengthBits);
}

/** A prefix; undefined when the text is not what {@link PREFIX_ACCEPTED} says. */
export function parsePrefix(text: string): Prefix | undefined {
  const [addressText, lengthText] = string.match(text, "^([%d.]+)/(%d+)$");
  if (addressText === undefined) return undefined;
  const network = parseAddress(addressText);
  const lengthBits = parseDecimal(lengthText, 32);
  if (network === undefined || lengthBits === undefined) return undefined;
  if ((network & prefixMask(lengthBits)) !== network) return undefined;
  return { network, lengthBits };
}

/** Whether an address (a word) lies in a prefix. */
export function prefixHolds(prefix: Prefix, word: number): boolean {
  return (word & prefixMask(prefix.lengthBits)) === prefix.network;
}

/** Whether an address (a word) is a multicast group: 224.0.0.0/4 (RFC 1112 §4). */
export function isMulticastAddress(word: number): boolean {
  return word >>> 28 === 0xe;
}

/**
 * Whether an address (a word) can be the source of a packet from one host: not "this network" 0.0.0.0/8, not loopback,
 * not multicast, and nothing above it, which ends with the limited broadcast (RFC 1812 §5.3.7).
 */
export function isHostAddress(word: number): boolean {
  const network = word >>> 24;
  return network !== 0 && network !== 127 && network < 224;
}

/** An SPI (a word) as `ip xfrm state` prints it: 0x and 8 hexadecimal digits. */
export function formatSpi(spi: number): string {
  return string.format("0x%08x", unsigned(spi));
}

/** An SPI as a word; undefined when the text is not what {@link SPI_ACCEPTED} says. */
export function parseSpi(text: string): number | undefined {
  const [digits] = string.match(text, "^0[xX](%x+)$");
  if (digits === undefined || string.len(digits) > 8) return undefined;
  return toWord(tonumber(digits, 16) ?? 0);
}

/** A cookie or IKEv2 SPI, given as two words, as 16 hexadecimal digits. */
export function formatCookie(high: number, low: number): string {
  return string.format("%08x%08x", unsigned(high), unsigned(low));
}
