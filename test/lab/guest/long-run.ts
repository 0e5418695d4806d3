// SPDX-License-Identifier: GPL-2.0-only
// Whether somebody asked for the long form of a scenario, which shows more and takes minutes.

export function isLong(): boolean {
  return os.getenv("LAB_LONG") === "1";
}
