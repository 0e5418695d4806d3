// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq selftest`: shows on the board itself that its interpreter, CPU and kernel do what the program relies on.
//
// The tests are part of the installed program and run under luaunit, which is a package of its own: a board that never
// tests itself need not have it.

import type { LuaUnit } from "luaunit";
import { readable } from "../../src/app/source-position";
import type { Test } from "./test";

const EXIT_UNAVAILABLE = 69; // EX_UNAVAILABLE of sysexits.h
const EXIT_FAILED = 1;

const HOW_TO_INSTALL =
  "vpnmasq selftest: luaunit is missing, the library that runs the tests.\n" +
  "Install it: opkg install luaunit (OpenWrt), apt-get install lua-unit (Debian),\n" +
  "or copy luaunit.lua to /usr/share/lua/ and run the self-test again.\n";

/** Loaded only now: the tests need luaunit as soon as they are loaded, and memory. */
function allTests(): Test[] {
  return [
    ...(require("./arithmetic") as typeof import("./arithmetic")).arithmeticTests,
    ...(require("./interpreter") as typeof import("./interpreter")).interpreterTests,
    ...(require("./packets") as typeof import("./packets")).packetTests,
    ...(require("./table") as typeof import("./table")).tableTests,
    ...(require("./kernel") as typeof import("./kernel")).kernelTests,
  ];
}

/** The test, failing with a message that names the source. */
function named([sentence, body]: Test): Test {
  function run(): void {
    const [isGood, problem] = pcall(body);
    if (!isGood) error(readable(tostring(problem)), 0);
  }
  return [sentence, run];
}

/**
 * Runs the tests and prints what luaunit prints.
 *
 * @param words luaunit takes one: -v names each test, -q prints the failures only
 * @returns the exit status: 0 when all succeeded.
 */
export function runSelftest(words: readonly string[]): number {
  const [isInstalled, library] = pcall(require, "luaunit");
  if (!isInstalled) {
    io.stderr.write(HOW_TO_INSTALL);
    return EXIT_UNAVAILABLE;
  }
  const luaunit = library as { LuaUnit: typeof LuaUnit };
  const failures = luaunit.LuaUnit.new().runSuiteByInstances(
    allTests().map((test) => named(test)),
    words[0],
  );
  return failures === 0 ? 0 : EXIT_FAILED;
}
