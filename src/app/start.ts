// SPDX-License-Identifier: GPL-2.0-only
// The first lines that run on the board: they start the program so that an error nobody caught is readable.
//
// `debug.traceback` is replaced for all that show a stack trace of their own, such as the self-test.

import { main } from "./main";
import { readable } from "./source-position";

/** The interpreter's table of words after the program's name, from 1. */
declare const arg: string[];

const EXIT_BROKEN = 70; // EX_SOFTWARE of sysexits.h: the program is at fault, not its input

const plainTraceback = debug.traceback;
debug.traceback = ((...values: Parameters<typeof plainTraceback>): unknown => {
  const trace: unknown = plainTraceback(...values);
  return typeof trace === "string" ? readable(trace) : trace;
}) as typeof plainTraceback;

const [finished, result] = xpcall(
  () => main(arg),
  (problem: unknown) => debug.traceback(tostring(problem), 2),
);
if (!finished) io.stderr.write(`vpnmasq: internal error: ${result}\n`);
os.exit(finished ? result : EXIT_BROKEN);
