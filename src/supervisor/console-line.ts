// SPDX-License-Identifier: GPL-2.0-only
// What a line of the router's console tells the supervisor.

import { unsealed } from "../heartbeat/checked-line";
import { FLASH_MARK, readFlashMark } from "../heartbeat/flash-mark";
import { type Heartbeat, HEARTBEAT_MARK, readHeartbeat } from "../heartbeat/heartbeat";

/**
 * - heartbeat: the router lives, and says how
 * - damaged: something was to be a heartbeat, and others' text came in between
 * - flashing: the board is written to for so many seconds at most; 0 when that is over
 * - boot-loader: the board's boot loader runs, or somebody works at its prompt
 * - booting: the kernel starts
 * - panic: the kernel has given up
 */
export type ConsoleNews =
  | { readonly kind: "heartbeat"; readonly heartbeat: Heartbeat }
  | { readonly kind: "flashing"; readonly leaseSeconds: number }
  | { readonly kind: "damaged" | "boot-loader" | "booting" | "panic" | "other" };

/** Words that only an upgrade from within Linux prints, and the time it has (OpenWrt's sysupgrade and mtd). */
const UPGRADE_WORDS = ["Commencing upgrade", "Performing system upgrade", "Writing from <stdin>"];
const UPGRADE_LEASE_SECONDS = 900;
/** U-Boot's banner, its offer to stop, and what its commands for loading and writing say. */
const BOOT_LOADER_WORDS = ["U-Boot 20", "stop autoboot", "Bytes transferred", "bytes written", "Erasing "];
/** U-Boot's prompt, which begins a line; in the middle of one it is anybody's arrow. */
const BOOT_LOADER_PROMPT = "=> ";
/** The kernel's first line, and U-Boot's last. */
const BOOTING_WORDS = ["Linux version ", "Starting kernel"];
const PANIC_WORDS = ["Kernel panic - not syncing"];

/** Espruino 2v29 also finds a word of which only the beginning stands at the line's end: in "UTC" what begins with "C". */
function contains(line: string, word: string): boolean {
  const at = line.indexOf(word);
  return at >= 0 && at + word.length <= line.length;
}

function hasOneOf(words: readonly string[], line: string): boolean {
  for (const word of words) if (contains(line, word)) return true;
  return false;
}

function heartbeatNews(line: string): ConsoleNews {
  const { text } = unsealed(line, HEARTBEAT_MARK);
  const heartbeat = text === undefined ? "no-heartbeat" : readHeartbeat(text);
  return typeof heartbeat === "string" ? { kind: "damaged" } : { kind: "heartbeat", heartbeat };
}

function flashNews(line: string): ConsoleNews {
  const { text } = unsealed(line, FLASH_MARK);
  const leaseSeconds = text === undefined ? undefined : readFlashMark(text);
  return leaseSeconds === undefined ? { kind: "other" } : { kind: "flashing", leaseSeconds };
}

export function readConsoleLine(line: string): ConsoleNews {
  if (contains(line, HEARTBEAT_MARK)) return heartbeatNews(line);
  if (contains(line, FLASH_MARK)) return flashNews(line);
  if (hasOneOf(PANIC_WORDS, line)) return { kind: "panic" };
  if (hasOneOf(BOOTING_WORDS, line)) return { kind: "booting" };
  const isAtPrompt = line.slice(0, BOOT_LOADER_PROMPT.length) === BOOT_LOADER_PROMPT;
  if (isAtPrompt || hasOneOf(BOOT_LOADER_WORDS, line)) return { kind: "boot-loader" };
  if (hasOneOf(UPGRADE_WORDS, line)) return { kind: "flashing", leaseSeconds: UPGRADE_LEASE_SECONDS };
  return { kind: "other" };
}
