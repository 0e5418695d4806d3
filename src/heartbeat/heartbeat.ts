// SPDX-License-Identifier: GPL-2.0-only
// The heartbeat: the line by which a router says on its console, every few seconds, that it forwards.
//
//   VM1 SEQUENCE HEALTH REASON NAME=NUMBER…       (the checksum behind it is checked-line.ts')
//
// The sequence tells a new heartbeat from an old one that is shown again; who waits for heartbeats (the supervisor, the
// host's console) acts on health, and the numbers are for people. Written for Lua, Espruino and Node alike; it imports
// nothing.

/** Every heartbeat begins with it. The digit is the version of what follows. */
export const HEARTBEAT_MARK = "VM1 ";

/**
 * `ok`: packets that come are forwarded. `degraded`: something outside is missing, such as the WAN, which no restart
 * brings. `wedged`: packets come and the program or the driver takes none, which a restart ends.
 */
export type HealthState = "ok" | "degraded" | "wedged";

export interface HeartbeatNumber {
  /** Lower-case letters and `_`. */
  readonly name: string;
  /** Whole, from 0. */
  readonly value: number;
}

export interface Heartbeat {
  /** Counts up with each heartbeat, from 1 at the program's start. */
  readonly sequence: number;
  readonly health: HealthState;
  /** Lower-case letters and `-`; "none" when there is nothing to say. */
  readonly reason: string;
  readonly numbers: readonly HeartbeatNumber[];
}

/** What a whole line was wrong in. */
export type HeartbeatFault = "no-heartbeat" | "bad-sequence" | "unknown-health" | "no-reason" | "bad-number";

/** A heartbeat's line of text, without its checksum. */
export function heartbeatText({ sequence, health, reason, numbers }: Heartbeat): string {
  const words = [`VM1 ${sequence} ${health} ${reason}`];
  for (const { name, value } of numbers) words.push(`${name}=${value}`);
  return words.join(" ");
}

/** A whole number in decimal digits; undefined for anything else. */
function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

function healthOf(word: string): HealthState | undefined {
  return word === "ok" || word === "degraded" || word === "wedged" ? word : undefined;
}

function readNumber(word: string): HeartbeatNumber | undefined {
  const parts = word.split("=");
  const value = parts.length === 2 ? wholeNumber(parts[1]) : undefined;
  return value === undefined ? undefined : { name: parts[0], value };
}

/** The heartbeat that a text with its checksum taken off holds, or what is wrong with it. */
export function readHeartbeat(text: string): Heartbeat | HeartbeatFault {
  const words = text.split(" ");
  if (words[0] !== "VM1" || words.length < 3) return "no-heartbeat";
  const sequence = wholeNumber(words[1]);
  if (sequence === undefined) return "bad-sequence";
  const health = healthOf(words[2]);
  if (health === undefined) return "unknown-health";
  if (words.length < 4 || words[3] === "") return "no-reason";
  const numbers: HeartbeatNumber[] = [];
  for (let at = 4; at < words.length; at += 1) {
    const number = readNumber(words[at]);
    if (number === undefined) return "bad-number";
    numbers.push(number);
  }
  return { sequence, health, reason: words[3], numbers };
}
