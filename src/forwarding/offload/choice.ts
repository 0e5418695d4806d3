// SPDX-License-Identifier: GPL-2.0-only
// What the configuration may say about offload.

/** auto: the fastest that works; off: all packets pass the daemon; the others: there or nowhere. */
export const OFFLOAD_CHOICES = ["auto", "off", "xdp", "tcx", "tc"] as const;
export type OffloadChoice = (typeof OFFLOAD_CHOICES)[number];
