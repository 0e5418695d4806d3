// SPDX-License-Identifier: GPL-2.0-only
// The whole table under a script of packets and events: what must hold is in table-run.ts and table-audit.ts.

import { TableRun } from "../table-run";
import { Step, STEP_BYTES, STEPS } from "../table-script";
import type { Target } from "../target";

/** A script is cut to so many steps: an execution is to be short. */
const STEPS_MAX = 96;
/** In the first byte of a script: all traffic is the table's, which takes a hundred times as long to make. */
const SCOPE_ALL = 0x80;

/** Steps as bytes. */
function script(...steps: (readonly [Step, number, number, number])[]): string {
  return steps.map(([step, a, b, c]) => string.char(step, a, b, c)).join("");
}

const SEEDS = [
  script(
    [Step.IkeOut, 0, 0, 2],
    [Step.IkeIn, 0, 4, 2],
    [Step.EspOut, 0, 1, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.EspOut, 0, 1, 0],
  ),
  script(
    [Step.EspOut, 0, 1, 0],
    [Step.EspOut, 1, 2, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.EspIn, 0, 2, 0],
    [Step.Restart, 1, 0, 0],
  ),
  script(
    [Step.IkeOut, 0, 5, 4],
    [Step.IkeOut, 1, 6, 4],
    [Step.EspIn, 0, 3, 0],
    [Step.EspOut, 1, 1, 0],
    [Step.Wait, 0, 4, 0],
  ),
  script(
    [Step.FlowOut + SCOPE_ALL, 0, 1, 0],
    [Step.FlowIn, 0, 1, 0],
    [Step.FlowOut, 1, 1, 0xf0],
    [Step.ErrorIn, 4, 1, 0],
  ),
  script(
    [Step.FragmentOut, 8, 1, 0],
    [Step.FragmentOut, 8, 17, 0],
    [Step.FragmentIn, 8, 17, 0],
    [Step.FragmentIn, 8, 1, 0],
  ),
  script(
    [Step.EspOut, 0, 1, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.Restart, 0, 0, 0],
    [Step.EspIn, 0, 1, 0],
    [Step.ErrorOut, 8, 1, 0],
  ),
];

export const table: Target = {
  name: "table",
  explanation: "The table under scripts of packets, waits and restarts: verdicts, checksums, look-ups, counts, limits.",
  seeds: () => SEEDS,
  tokens: SEEDS,
  execute: ({ bytes, lengthBytes }, reached) => {
    const run = new TableRun(reached, lengthBytes > 0 && (bytes[0] & SCOPE_ALL) !== 0 ? "all" : "vpn");
    const steps = Math.min(STEPS_MAX, Math.floor(lengthBytes / STEP_BYTES));
    for (const step of $range(0, steps - 1)) {
      const at = step * STEP_BYTES;
      run.take(bytes[at] & (STEPS - 1), bytes[at + 1], bytes[at + 2], bytes[at + 3]);
    }
    run.audit();
  },
};
