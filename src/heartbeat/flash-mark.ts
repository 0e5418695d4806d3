// SPDX-License-Identifier: GPL-2.0-only
// The line by which whoever flashes the board says so on its console, so that nobody resets it half-way.
//
//   VM1F begin SECONDS | VM1F end               (the checksum behind it is checked-line.ts')
//
// It is a lease: a flash tool that dies keeps the supervisor away for so many seconds and no longer. Written for Lua,
// Espruino and Node alike; it imports nothing.

/** Every such line begins with it. */
export const FLASH_MARK = "VM1F ";

/** The longest lease, and what a longer one is cut to: 16 MB over a slow serial line take a quarter of an hour. */
export const FLASH_LEASE_SECONDS_MAX = 1800;

/** The line without its checksum. @param leaseSeconds how long it may take; 0 says that it is done */
export function flashText(leaseSeconds: number): string {
  return leaseSeconds > 0 ? `VM1F begin ${leaseSeconds}` : "VM1F end";
}

/** The lease that a line with its checksum taken off asks for, 0 for the end; undefined: it is no such line. */
export function readFlashMark(text: string): number | undefined {
  if (text === "VM1F end") return 0;
  const words = text.split(" ");
  const seconds = words.length === 3 && words[1] === "begin" ? Number(words[2]) : 0;
  return seconds >= 1 ? Math.min(seconds, FLASH_LEASE_SECONDS_MAX) : undefined;
}
