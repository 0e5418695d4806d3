// SPDX-License-Identifier: GPL-2.0-only
// How a role that cannot run ends: numbers of sysexits.h, which service managers know.

/** EX_UNAVAILABLE */
export const EXIT_UNAVAILABLE = 69;
/** EX_NOPERM */
export const EXIT_NO_PERMISSION = 77;
/** EX_CONFIG */
export const EXIT_CONFIGURATION = 78;
