// SPDX-License-Identifier: GPL-2.0-only
// XFRM's numbers and the layout of its structures, as data (linux/xfrm.h).
//
// All architectures share them, but for one thing: a structure that holds a 64-bit number is padded to that number's
// alignment, which is 4 bytes on 32-bit x86 and 8 elsewhere. What follows such a structure moves with it.

import { sizeOf, typeOf } from "../ffi";

export const NETLINK_XFRM = 6;

/** XFRM_MSG_…: kinds of messages. */
export const messageType = {
  newSa: 0x10,
  deleteSa: 0x11,
  getSa: 0x12,
  newPolicy: 0x13,
  deletePolicy: 0x14,
  getPolicy: 0x15,
  allocateSpi: 0x16,
  acquire: 0x17,
  saExpired: 0x18,
  updatePolicy: 0x19,
  updateSa: 0x1a,
  policyExpired: 0x1b,
  flushSas: 0x1c,
  flushPolicies: 0x1d,
} as const;

/** XFRMA_…: kinds of attributes. */
export const attributeType = {
  authentication: 1,
  encryption: 2,
  template: 5,
  sa: 6,
  policy: 7,
  lastUsed: 15,
  aead: 18,
  truncatedAuthentication: 20,
  mark: 21,
  interfaceId: 31,
} as const;

/** XFRMGRP_…: groups of events, to be added up. */
export const eventGroup = {
  acquire: 1,
  expire: 2,
  sa: 4,
  policy: 8,
} as const;

/** A structure's size when its fields end at `endBytes` and one of them has 64 bits. */
function padded(endBytes: number): number {
  const alignmentBytes = sizeOf(typeOf("struct { uint64_t number; uint8_t octet; }")) - 8;
  return Math.ceil(endBytes / alignmentBytes) * alignmentBytes;
}

/** struct xfrm_selector */
export const selectorField = {
  destination: 0,
  source: 16,
  destinationPort: 32,
  destinationPortMask: 34,
  sourcePort: 36,
  sourcePortMask: 38,
  family: 40,
  destinationBits: 42,
  sourceBits: 43,
  protocol: 44,
} as const;
export const SELECTOR_BYTES = 56;

/** struct xfrm_lifetime_cfg: its 64-bit numbers. */
export const lifetimeField = { softAddSeconds: 32, hardAddSeconds: 40 } as const;
export const LIFETIME_NUMBERS = 8;

/** struct xfrm_lifetime_cur: its 64-bit numbers. */
export const usageField = { bytes: 0, packets: 8, addedSeconds: 16, usedSeconds: 24 } as const;
export const USAGE_BYTES = 32;

/** struct xfrm_usersa_info */
export const saField = {
  selector: 0,
  destination: 56,
  spi: 72,
  protocol: 76,
  source: 80,
  lifetime: 96,
  usage: 160,
  reqid: 208,
  family: 212,
  mode: 214,
} as const;
export const SA_BYTES = padded(217);

/** struct xfrm_usersa_id */
export const saIdField = { destination: 0, spi: 16, family: 20, protocol: 22 } as const;
export const SA_ID_BYTES = 24;

/** struct xfrm_user_expire: an SA, and whether it is the end. */
export const saExpiredField = { isHard: SA_BYTES } as const;
export const SA_EXPIRED_BYTES = padded(SA_BYTES + 1);

/** struct xfrm_userpolicy_info */
export const policyField = {
  selector: 0,
  lifetime: 56,
  usage: 120,
  priority: 152,
  index: 156,
  direction: 160,
  action: 161,
} as const;
export const POLICY_BYTES = padded(164);

/** struct xfrm_userpolicy_id */
export const POLICY_ID_BYTES = 64;

/** struct xfrm_user_polexpire: a policy, and whether it is the end. */
export const policyExpiredField = { isHard: POLICY_BYTES } as const;
export const POLICY_EXPIRED_BYTES = padded(POLICY_BYTES + 1);

/** struct xfrm_user_tmpl */
export const templateField = {
  destination: 0,
  spi: 16,
  protocol: 20,
  source: 28,
  reqid: 44,
  mode: 48,
} as const;
export const TEMPLATE_BYTES = 64;
/** XFRM_MAX_DEPTH, net/xfrm.h */
export const TEMPLATES_MAX = 6;

/** struct xfrm_user_acquire */
export const acquireField = { destination: 0, spi: 16, protocol: 20, source: 24, selector: 40 } as const;
export const ACQUIRE_BYTES = padded(96 + POLICY_BYTES + 16);

/** struct xfrm_mark */
export const MARK_BYTES = 8;
