// SPDX-License-Identifier: GPL-2.0-only
// Settings of the kernel under /proc/sys, by their names in sysctl(8); those of the network hold for one namespace.

import { AppendFile, readFile } from "./files";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";

/** Settings are short: a few numbers. */
const SETTING_BYTES_MAX = 4096;

function pathOf(name: string): string {
  const [path] = string.gsub(name, "%.", "/");
  return `/proc/sys/${path}`;
}

/** The setting's text, without its newline. */
export function readSetting(name: string): Outcome<string> {
  const [text, problem] = readFile(pathOf(name), SETTING_BYTES_MAX);
  if (text === undefined) return fail(problem);
  return succeed(string.match(text, "^(.-)\n?$")[0]);
}

export function writeSetting(name: string, value: string): Outcome<true> {
  const [file, problem] = AppendFile.open(pathOf(name), 0);
  if (file === undefined) return fail(problem);
  const [done, cause] = file.append(`${value}\n`);
  file.close();
  return outcomeOf(done, cause);
}
