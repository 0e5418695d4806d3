// SPDX-License-Identifier: GPL-2.0-only
// Takes out of a Lua program the spaces that only people need, without moving anything from its line.

import luaparse from "luaparse";

interface Token {
  readonly type: number;
  readonly range: readonly [number, number];
}

/** luaparse's numbers for the end of the text and for numbers in it. */
const END_OF_TEXT = 1;
const NUMBER = 16;
const WORD = /\w/;

/** Whether two tokens side by side would be read as another one, or as a comment. */
function wouldJoin(left: string, isLeftNumber: boolean, right: string): boolean {
  if (WORD.test(left) && WORD.test(right)) return true;
  // 1 .. 2, .. ...: a point belongs to a number or to more points; - -: a comment; [ [[: a longer bracket
  if (right === "." && (left === "." || isLeftNumber)) return true;
  return left === right && (left === "-" || left === "[");
}

/** The program without comments and needless spaces; its lines stay where they are. */
export function narrowLua(lua: string): string {
  const options = { wait: true, luaVersion: "LuaJIT", comments: false, ranges: true };
  const lexer = luaparse.parse(options as object) as unknown as { write(text: string): void; lex(): Token };
  lexer.write(lua);
  let text = "";
  let end = 0;
  let isNumber = false;
  for (let token = lexer.lex(); token.type !== END_OF_TEXT; token = lexer.lex()) {
    const [start, next] = token.range;
    const lines = lua.slice(end, start).split("\n").length - 1;
    const isJoined = lines === 0 && start > end && wouldJoin(lua.charAt(end - 1), isNumber, lua.charAt(start));
    text += (isJoined ? " " : "\n".repeat(lines)) + lua.slice(start, next);
    end = next;
    isNumber = token.type === NUMBER;
  }
  return text + "\n".repeat(lua.slice(end).split("\n").length - 1);
}
