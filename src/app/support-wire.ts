// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq support --wire`: the bundle over the console. What was sent is kept until the next time, for lines that are
// asked for again: a bundle collected afresh would be another one.

import { makeFolder, readFile, replaceFile } from "../system/files";
import { fail, type Outcome, succeed } from "../system/outcome";
import { writeJson } from "./json";
import type { SupportBundle } from "./support";
import { linesAgain, pack, wireLines } from "./wire-text";

const KEPT_BYTES_MAX = 1_000_000;
const FOLDER_MODE = 0o755;
/** It holds configuration and addresses. */
const FILE_MODE = 0o600;

/** In memory, beside the control socket. */
function keptAt(control: string): string {
  return string.gsub(control, "[^/]*$", "support.wire")[0];
}

/** The lines to send of a fresh bundle. @param control the router's socket */
export function supportLines(bundle: SupportBundle, control: string): string[] {
  const kept = keptAt(control);
  const [folder] = string.match(kept, "^(.*)/");
  if (folder !== undefined) makeFolder(folder, FOLDER_MODE);
  const lines = wireLines(pack(writeJson(bundle), `${kept}.packing`));
  // Where it cannot be kept, nothing can be asked for again; the bundle goes all the same.
  replaceFile(kept, lines.join("\n"), { sync: false, mode: FILE_MODE });
  return lines;
}

/** Lines of the last bundle, by numbers as "3,7-9". */
export function supportLinesAgain(list: string, control: string): Outcome<string[]> {
  const [text] = readFile(keptAt(control), KEPT_BYTES_MAX);
  if (text === undefined) return fail("nothing was sent since the start: use support --wire first");
  const lines: string[] = [];
  for (const [line] of string.gmatch(text, "[^\n]+")) lines.push(line);
  const [again, problem] = linesAgain(lines, list);
  if (again === undefined) return fail(`--again ${problem}`);
  return succeed(again);
}
