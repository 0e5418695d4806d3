// SPDX-License-Identifier: GPL-2.0-only
// Makes an error of the installed bundle name the TypeScript source: `src/wire/esp.ts:41`, not `vpnmasq.lua:1730`.
//
// The build writes the positions into the bundle as one string, which costs about a byte a line (src/host/bundle.ts
// says how it is made). It is read only when an error is shown.

/**
 * The positions of each file of the program, by its name. Set by the build at the top of the bundle; where modules run
 * singly, as under specs, there are none.
 */
declare const SOURCE_POSITIONS: LuaTable<string, string> | undefined;

const ZERO_CODE = string.byte("?");
const JUMP_CODE = string.byte("~");

/** The line of TypeScript that the `count`-th line of a run comes from, given the run's ways from line to line. */
function originalLine(ways: string, count: number): number {
  let line = 0;
  let at = 1;
  for (const _ of $range(1, count)) {
    const code = string.byte(ways, at);
    if (code === JUMP_CODE) {
      const [digits] = string.match(ways, "^~(%d+);", at);
      line = tonumber(digits) ?? 0;
      at += string.len(digits) + 2;
    } else {
      line += code - ZERO_CODE;
      at += 1;
    }
  }
  return line;
}

/**
 * Where a line of the bundle comes from.
 *
 * @param positions as the build wrote them: for each run of lines of one file `|FILE FIRST_LUA_LINE WAYS`.
 * @param luaLine counted from 1.
 * @returns `FILE:LINE`, or undefined for a line that no source file stands behind.
 */
export function sourcePosition(positions: string, luaLine: number): string | undefined {
  let source: string | undefined;
  let sourceWays = "";
  let count = 0;
  for (const [file, first, ways] of string.gmatch(positions, "|(%S+) (%d+) ([^|]*)")) {
    const linesBefore = tonumber(first)! - 1;
    if (linesBefore >= luaLine) break;
    source = file;
    sourceWays = ways;
    count = luaLine - linesBefore;
  }
  return source === undefined ? undefined : string.format("%s:%d", source, originalLine(sourceWays, count));
}

/** The text of an error or stack trace with every position in the installed program replaced by that in the source. */
export function readable(trace: string): string {
  let text = trace;
  for (const [file, positions] of pairs(SOURCE_POSITIONS ?? new LuaTable<string, string>())) {
    const [pattern] = string.gsub(file, "%W", "%%%0");
    // In front of the name may stand the folder that the program was started from.
    [text] = string.gsub(text, `[^%s'"]*${pattern}:(%d+)`, (line) => sourcePosition(positions, tonumber(line)!)!);
  }
  return text;
}
