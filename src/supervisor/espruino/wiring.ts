// SPDX-License-Identifier: GPL-2.0-only
// Which pins the router's console and reset line are at.
//
// The console's wires carry 3.3 V; RX here is the router's TX. The reset line is pulled to ground and let go, never
// driven high: it is the router's, and has its own pull-up. Other boards, and other pins, are told by a file in the
// microcontroller's storage, which ./flash.sh espruino --wiring FILE writes.

import { DEFAULT_SUPERVISOR_LIMITS, type SupervisorLimits } from "../limits";

export interface Wiring {
  readonly baud: number;
  /** The console's port: 1 is Serial1. */
  readonly port: 1 | 2;
  /** Names of pins. */
  readonly tx?: string;
  readonly rx?: string;
  readonly reset?: string;
  /** On Linux, where there are no pins: devices for the console and for the word "reset". */
  readonly path?: string;
  readonly resetPath?: string;
  /** Times other than the usual ones. */
  readonly limits?: Partial<SupervisorLimits>;
}

export const WIRING_FILE = "vpnmasq.wiring";

/** Boards with a USB of their own: the pins of Serial1, from Espruino's board files, and one in the same row. */
const KNOWN: Readonly<Record<string, Wiring>> = {
  PICO_R1_3: { baud: 115200, port: 1, tx: "B6", rx: "B7", reset: "B3" },
  ESPRUINOWIFI: { baud: 115200, port: 1, tx: "B6", rx: "B7", reset: "B3" },
};

/** The wiring from storage, else the board's own; undefined: nobody said which pins. */
export function readWiring(): Wiring | undefined {
  const told = require("Storage").readJSON(WIRING_FILE, true);
  return told === undefined ? KNOWN[process.env.BOARD] : (told as Wiring);
}

/** The usual times, with those that the wiring changes. */
export function limitsOf(wiring: Wiring): SupervisorLimits {
  const limits: Record<string, unknown> = {};
  const usual = DEFAULT_SUPERVISOR_LIMITS as unknown as Record<string, unknown>;
  const told = (wiring.limits ?? {}) as Record<string, unknown>;
  for (const name in usual) limits[name] = name in told ? told[name] : usual[name];
  return limits as unknown as SupervisorLimits;
}
