// SPDX-License-Identifier: GPL-2.0-only
// Which known name somebody may have meant, for the tools on Node (src/app/nearest-name.ts is the board's).

import { closestMatch } from "leven";

/** The known name that begins so, else the nearest; undefined when more than half the letters would have to change. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const longer = known.find((candidate) => candidate.startsWith(name));
  return longer ?? closestMatch(name, known, { maxDistance: Math.floor(name.length / 2) });
}
