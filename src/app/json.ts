// SPDX-License-Identifier: GPL-2.0-only
// JSON: read by lua-cjson, with errors that give line and column; written here, in one fixed order.
//
// lua-cjson cannot tell an empty list from an empty object and orders keys by chance. Our documents hold no empty
// objects, so an empty table is a list, and keys are sorted: equal documents are equal texts.

/** @noSelf */
interface Cjson {
  readonly decode: (text: string) => unknown;
  readonly encode: (value: unknown) => string;
  decode_invalid_numbers(allowed: boolean): void;
  readonly null: unknown;
}

const cjson = require("cjson") as Cjson;
cjson.decode_invalid_numbers(false);

/** The value that stands for null, since Lua's own nothing cannot be in a table. */
export const JSON_NULL = cjson.null;

/** The value, or undefined and "line 3, column 14: what was wrong". */
export function readJson(text: string): LuaMultiReturn<[unknown, undefined] | [undefined, string]> {
  const [isGood, result] = pcall(cjson.decode, text);
  if (isGood) return $multi(result, undefined);
  const [problem, at] = string.match(tostring(result), "^(.-) at character (%d+)$");
  if (problem === undefined) return $multi(undefined, tostring(result));
  return $multi(undefined, `${placeOf(text, tonumber(at)!)}: ${problem}`);
}

/** @param character counted from 1 */
function placeOf(text: string, character: number): string {
  const before = string.sub(text, 1, character - 1);
  const [, newlines] = string.gsub(before, "\n", "");
  const [lastLine] = string.match(before, "([^\n]*)$");
  return `line ${newlines + 1}, column ${string.len(lastLine) + 1}`;
}

/** A list or a document; told apart by what it holds. */
function isList(table: object): table is readonly unknown[] {
  return next(table)[0] === undefined || (table as LuaTable<number, unknown>).get(1) !== undefined;
}

/** Text as JSON has it; lua-cjson's needless backslash before a slash is taken out again. */
function writeText(text: string): string {
  return string.gsub(cjson.encode(text), "\\/", "/")[0];
}

/** A number; what is no whole one (a time in milliseconds) with three decimals. */
function writeNumber(value: number): string {
  return Math.floor(value) === value ? string.format("%.0f", value) : string.format("%.3f", value);
}

/** Any value of strings, numbers, booleans, lists and objects as one line. */
export function writeJson(value: unknown): string {
  if (type(value) === "string") return writeText(value as string);
  if (type(value) === "number") return writeNumber(value as number);
  if (type(value) !== "table") return cjson.encode(value);
  if (isList(value as object)) return `[${(value as unknown[]).map((entry) => writeJson(entry)).join(",")}]`;
  const document = value as Record<string, unknown>;
  const members = Object.keys(document).sort((one, other) => (one < other ? -1 : 1));
  return `{${members.map((key) => `${writeText(key)}:${writeJson(document[key])}`).join(",")}}`;
}
