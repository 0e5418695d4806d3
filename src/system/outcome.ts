// SPDX-License-Identifier: GPL-2.0-only
// What a call to the operating system gives back: the value, or nothing and a text a person can act on.
//
// Refusals by the kernel are expected (no permission, no such interface), so they are values; `error()` is left for
// mistakes of the program. `const [value, problem] = …; if (value === undefined) …` narrows both. Never choose between
// two outcomes with `?:`, which packs them into a table and out again: use `if`, or `outcomeOf`.

/** A value, or `undefined` and what was wrong. */
export type Outcome<Value> = LuaMultiReturn<[Value, undefined] | [undefined, string]>;

export function succeed<Value>(value: Value): Outcome<Value> {
  return $multi<[Value, undefined]>(value, undefined);
}

export function fail(problem: string): LuaMultiReturn<[undefined, string]> {
  return $multi<[undefined, string]>(undefined, problem);
}

/** The two parts of an outcome put together again, after something was closed in between. */
export function outcomeOf<Value>(value: Value | undefined, problem: string | undefined): Outcome<Value> {
  if (value === undefined) return fail(problem!);
  return succeed(value);
}
