// SPDX-License-Identifier: GPL-2.0-only
// Amounts of data as people read them, in powers of 1024 as `wg show` has them, and numbers with their noun.

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** "0 B", "999 B", "1.2 KiB", "34.5 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return string.format("%d B", bytes);
  let amount = bytes / 1024;
  let unit = 0;
  while (amount >= 1023.95 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return string.format("%.1f %s", amount, UNITS[unit]);
}

/** "12.0 KiB/s"; "-" when nothing is known or nothing flows. */
export function formatRate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined || bytesPerSecond < 1 ? "-" : `${formatBytes(bytesPerSecond)}/s`;
}

/** "1 packet", "2 packets". */
export function formatCount(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : string.format("%d %ss", count, noun);
}
