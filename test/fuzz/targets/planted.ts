// SPDX-License-Identifier: GPL-2.0-only
// Targets with a fault of each kind, to see that the fuzzer finds it, ends what hangs, and cuts the input short.

import type { Input } from "../input";
import type { Target } from "../target";

/** What a faulty program would do at "!": the rest of the input is let be. */
function planted(name: string, fault: (input: Input) => void): Target {
  return {
    name,
    explanation: "For the fuzzer's own test.",
    seeds: () => ["some input that is good", "another one"],
    tokens: ["!"],
    execute: (input) => {
      for (const at of $range(0, input.lengthBytes - 1)) {
        if (input.bytes[at] === string.byte("!")) fault(input);
      }
    },
  };
}

export const plantedError = planted("planted-error", () => error("a fault was planted here", 0));

export const plantedHang = planted("planted-hang", () => {
  while (true) collectgarbage("count");
});

/** Looks at the byte behind the end. */
export const plantedOverrun = planted("planted-overrun", ({ bytes, lengthBytes }) => {
  if (bytes[lengthBytes] < 0) error("a byte is never negative", 0);
});
