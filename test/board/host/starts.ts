// SPDX-License-Identifier: GPL-2.0-only
// How soon after power on the board forwards: the median of several starts, since one of them says little on a machine that
// does other things too.

import type { Figure } from "../../../src/host/document.js";
import type { Check, Figures } from "./check.js";
import { firstForwarded, givePermanentAddress } from "./first-packet.js";

/** An odd number, so that one of them is the median. */
const STARTS = 5;

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[(values.length - 1) / 2] ?? NaN;
}

function figuresOf(values: readonly number[]): Figures {
  const name = "power_on_to_first_forwarded_packet";
  const each = values.map((value, index): [string, Figure] => [`${name}_${index + 1}`, { value, unit: "s" }]);
  return { [name]: { value: medianOf(values), unit: "s", reach: "at most 10 s" }, ...Object.fromEntries(each) };
}

export const STARTS_GROUP: readonly Check[] = [
  {
    sentence: `a client that has its address already is forwarded soon after power on (the median of ${STARTS} starts)`,
    run: async (bench, say) => {
      await givePermanentAddress(bench);
      const values: number[] = [];
      while (values.length < STARTS) {
        const startMs = performance.now();
        await bench.powerOn();
        const seconds = await firstForwarded(bench, startMs);
        await bench.shell();
        values.push(seconds);
        say(`      start ${values.length}: ${seconds.toFixed(1)} s`);
      }
      return figuresOf(values);
    },
  },
];
