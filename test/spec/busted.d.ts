// SPDX-License-Identifier: GPL-2.0-only
// What the specs use of busted (describe, it, …) and of luassert, the assertions that busted makes global.

declare function describe(what: string, block: () => void): void;
declare function it(does: string, block: () => void): void;
declare function before_each(block: () => void): void;
declare function after_each(block: () => void): void;
declare function setup(block: () => void): void;
declare function teardown(block: () => void): void;

/** luassert: busted replaces Lua's `assert` by a table that can still be called. */
declare namespace assert {
  /** The same number, string, boolean or object. */
  function equal<T>(expected: T, actual: T, message?: string): void;
  function not_equal<T>(unexpected: T, actual: T, message?: string): void;
  /** Tables with equal content, at any depth. */
  function same<T>(expected: T, actual: T, message?: string): void;
  function not_same<T>(unexpected: T, actual: T, message?: string): void;
  function near(expected: number, actual: number, tolerance: number, message?: string): void;
  function is_true(actual: boolean, message?: string): void;
  function is_false(actual: boolean, message?: string): void;
  function is_nil(actual: unknown, message?: string): void;
  function is_not_nil(actual: unknown, message?: string): void;
  function has_error(block: () => void, error?: unknown, message?: string): void;
  function has_no_error(block: () => void, message?: string): void;
  /** A string that a Lua pattern is found in. */
  function matches(pattern: string, actual: string, message?: string): void;
}
