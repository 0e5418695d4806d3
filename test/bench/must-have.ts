// SPDX-License-Identifier: GPL-2.0-only
// For what a measurement cannot do without.

import type { Outcome } from "../../src/system/outcome";

/** The value of an outcome; without one there is nothing to measure. */
export function mustHave<Value>(outcome: Outcome<Value>): Value {
  const value = outcome[0];
  if (value === undefined) error(outcome[1] ?? "nothing", 0);
  return value;
}
