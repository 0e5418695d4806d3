// SPDX-License-Identifier: GPL-2.0-only
// Messages of the kernel's IPsec as Linux 6.1 sent them on x86_64: little-endian, 64-bit numbers aligned to 8 bytes.
//
// The commands that brought them about stand above each. Zeros are left out: "*12" stands for twelve of them.

import { hex, type Octets } from "../frame";

function zeros(count: number): string {
  return string.rep("00", count);
}

function message(text: string): Octets {
  const [expanded] = string.gsub(text, "%*(%d+)", (count: string) => zeros(tonumber(count)!));
  return hex(expanded);
}

/**
 * ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xdeadbeef reqid 7 mode tunnel aead
 * "rfc4106(gcm(aes))" …
 */
export const NEW_SA = message(`
  60010000100000002fe3036b *44 02 *15 c0000202 *12 deadbeef32000000c0000201 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *48 2ee3036b *28 07000000020001 *9
  60001200726663343130362867636d286165732929 *47
  a0000000800000000102030405060708090a0b0c0d0e0f101112131410000a *13
`);

/** … spi 0xdeadbeee mark 3 mask 0xff limit time-hard 1 auth-trunc "hmac(sha256)" … enc "cbc(aes)" … */
export const NEW_MARKED_SA = message(`
  38020000100000002fe3036b *44 02 *15 c0000202 *12 deadbeee32000000c0000201 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *8 01 *39 2ee3036b *28
  07000000020001 *9 68000100686d61632873686132353629 *53
  010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c
  1d1e1f6c001400686d61632873686132353629 *53 01000080 *4
  0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f58 0002006362632861657329 *56 80 *4
  0102030405060708090a0b0c0d0e0f0c00150003000000ff00000010000a *13
`);

/** the same, a second later */
export const SA_EXPIRED = message(`
  0401000018 *51 02 *15 c0000202 *12 deadbeee32000000c0000201 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *8 01 *39 2ee3036b *28
  07000000020001 *9 01 *7 0c00150003000000ff000000
`);

/** ip xfrm state del src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xdeadbeef */
export const SA_DELETED = message(`
  7c0100001100000033e3036b *4 c0000202 *12 deadbeef02003200e40006 *41 02 *15 c0000202 *12
  deadbeef32000000c0000201 *12 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *48
  2ee3036b *28 07000000020001 *9 60001200726663343130362867636d286165732929 *47
  a0000000800000000102030405060708090a0b0c0d0e0f101112131410000a *13
`);

/**
 * ip xfrm policy update src 10.1.0.0/24 dst 10.2.0.1/32 dir out priority 1000 mark 5 mask 0xff limit time-
 * hard 1 tmpl src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x11223344 reqid 7 mode tunnel
 */
export const POLICY_UPDATED = message(`
  140100001900000053e1036b *4 0a020001 *12 0a01 *22 02002018 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *8 01 *39 52e1036b *12
  e80300000100000001 *7 44000500c0000202 *12 112233443200000002000000c0000201 *12
  0700000001000000ffffffffffffffffffffffff0a0010 *9 0c00150005000000ff000000
`);

/** the same, a second later */
export const POLICY_EXPIRED = message(`
  1c0100001b *11 0a020001 *12 0a01 *22 02002018 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *8 01 *39 52e1036b *12
  e80300000100000001 *7 01 *7 44000500c0000202 *12 112233443200000002000000c0000201 *12
  0700000001000000ffffffffffffffffffffffff0a0010 *9 0c00150005000000ff000000
`);

/** ip xfrm policy del src 10.1.0.0/24 dst 10.2.0.1/32 dir out */
export const POLICY_DELETED = message(`
  4c0100001400000057e1036b *4 0a020001 *12 0a01 *22 02002018 *16 01000000ac0007000a020001 *12 0a01 *22
  02002018 *12 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *48 56e1036b *12
  e80300000900000001 *7 44000500c0000202 *12 112233443200000002000000c0000201 *12
  0700000001000000ffffffffffffffffffffffff0a0010 *9
`);

/** ping -I 10.1.0.1 10.2.0.1, with a policy for 10.1.0.0/24 to 10.2.0.0/24 and no SA */
export const ACQUIRE = message(`
  7801000017 *11 c0000202 *16 32000000c0000201 *12 0a020001 *12 0a010001 *14
  ffff0008ffff020020200100000003 *7 0a02 *14 0a01 *22 02001818 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *48 55e3036b *16 0100000001 *7
  ffffffffffffffffffffffff0100000044000500c0000202 *16 3200000002000000c0000201 *12
  0700000001000000ffffffffffffffffffffffff0a0010 *9
`);

/**
 * ip xfrm state allocspi src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel reqid 0 min 200 max 200, a
 * second later
 */
export const LARVAL_EXPIRED = message(`
  f800000018 *11 c0000202 *12 c0000201 *22 2020 *12 c0000202 *15 c832000000c0000201 *12
  ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff *8 01 *39 35e3036b *32 020001 *9 01
  *7
`);

/** ip xfrm state flush proto esp */
export const SAS_FLUSHED = message(`
  140000001c00000058e3036b *4 32000000
`);
