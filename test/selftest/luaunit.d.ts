// SPDX-License-Identifier: GPL-2.0-only
// What the self-test uses of luaunit.

/** @noSelfInFile */

declare module "luaunit" {
  function assertEquals<T>(actual: T, expected: T, message?: string): void;
  function assertTrue(value: boolean, message?: string): void;
  function assertNil(value: unknown, message?: string): void;
  function assertStrContains(text: string, part: string): void;
  function fail(message: string): void;

  class LuaUnit {
    private constructor();
    static ["new"](this: void): LuaUnit;
    /** @returns how many tests did not succeed. */
    runSuiteByInstances(tests: (readonly [name: string, body: () => void])[], option?: string): number;
  }
}
