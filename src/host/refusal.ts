// SPDX-License-Identifier: GPL-2.0-only
// Something that cannot be done here, and what the reader can do about it: printed without a stack trace.

export class Refusal extends Error {}

/** Runs a program; a refusal ends it with its text and status 1, anything else is a fault and shows where it came from. */
export async function untilRefused(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    console.error(problem.message);
    process.exitCode = 1;
  }
}
