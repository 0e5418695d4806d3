// SPDX-License-Identifier: GPL-2.0-only
// The version of this program: package.json's, which a spec compares.

export const VERSION = "0.1.0";
