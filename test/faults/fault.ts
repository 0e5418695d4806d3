// SPDX-License-Identifier: GPL-2.0-only
// A fault that is brought about on the running program, and what must hold afterwards.

import type { Findings } from "../bench/findings";

export interface Fault {
  readonly name: string;
  /** One or two sentences for `npm run faults -- --list`. */
  readonly explanation: string;
  /** How often, or how many seconds, in `npm test`; more by the command line. */
  readonly amount: number;
  readonly run: (this: void, findings: Findings, amount: number) => void;
}
