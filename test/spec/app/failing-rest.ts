// SPDX-License-Identifier: GPL-2.0-only
// Breaks in the second file of a program (src/host/bundle-split.ts), for the test of stack traces.

export function raiseInRest(): number {
  error("raised in the rest"); // the line of "rest"
}
