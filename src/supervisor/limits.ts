// SPDX-License-Identifier: GPL-2.0-only
// The supervisor's times and limits, each with its reason.

import type { BudgetLimits } from "../epoch/action-budget";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export interface SupervisorLimits {
  /** From a start of the board to its first heartbeat. */
  readonly graceMs: number;
  /** Without a heartbeat, once they came. */
  readonly silenceMs: number;
  /** Heartbeats running that say "wedged". */
  readonly wedgedBeats: number;
  /** A kernel that panicked usually restarts the board itself; it has this long. */
  readonly panicMs: number;
  /** The boot loader may run, or wait for a person, for so long after its last line. */
  readonly bootLoaderMs: number;
  /** Starts of the board, without a heartbeat between them, that begin the grace anew: a boot loop ends it. */
  readonly startsMax: number;
  /** Between two resets that did not help: the first pause, doubled each time, and the longest. */
  readonly pauseFirstMs: number;
  readonly pauseMostMs: number;
  /** Resets at hand, and the time in which one more may be made. */
  readonly budget: BudgetLimits;
  /** Heartbeats for so long mean that the reset before them helped. */
  readonly steadyMs: number;
  /** A clock before this was never set: boards start in 1970, or at the time their system was built. */
  readonly clockIsSetSeconds: number;
}

export const DEFAULT_SUPERVISOR_LIMITS: SupervisorLimits = {
  // U-Boot, kernel and first start of an overlay on NOR flash take up to two minutes.
  graceMs: 3 * MINUTE,
  // Six heartbeats of three seconds: kernel messages spoil one now and then, never six running.
  silenceMs: 20 * SECOND,
  // Three heartbeats, of which the first comes after the router's own proof of 3 to 10 s.
  wedgedBeats: 3,
  // Longer than OpenWrt's kernel.panic of 3 s and the boot loader's banner after it.
  panicMs: 30 * SECOND,
  bootLoaderMs: 5 * MINUTE,
  startsMax: 3,
  pauseFirstMs: MINUTE,
  pauseMostMs: 60 * MINUTE,
  // At most six in any hour.
  budget: { most: 3, refillMs: 20 * MINUTE },
  steadyMs: 10 * MINUTE,
  clockIsSetSeconds: 1_700_000_000,
};
