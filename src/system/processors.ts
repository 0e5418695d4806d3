// SPDX-License-Identifier: GPL-2.0-only
// How many CPUs the kernel is made ready for: a map with a value for each has so many.

import { readFile } from "./files";

const POSSIBLE = "/sys/devices/system/cpu/possible";
const TEXT_BYTES_MAX = 256;

/** From the kernel's list of ranges, as "0-3" or "0,2-5": the highest number and one. */
export function possibleProcessors(): number {
  const [text] = readFile(POSSIBLE, TEXT_BYTES_MAX);
  let highest = 0;
  for (const [number] of string.gmatch(text ?? "0", "%d+")) highest = math.max(highest, tonumber(number)!);
  return highest + 1;
}
