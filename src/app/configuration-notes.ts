// SPDX-License-Identifier: GPL-2.0-only
// What was said about a configuration by whoever made it, one sentence a line in a file beside it.
//
// On OpenWrt the init script makes the document from UCI: why it kept an older one, and what matters of the firewall, is
// known to it alone (firmware/openwrt/files/etc/init.d/vpnmasq), and asked of the running program.

import { readFile } from "../system/files";

/** Some dozen mistakes in one file of UCI; more are in the log. */
const NOTES_BYTES_MAX = 16 * 1024;

/** The sentences; none where nobody left any. @param path of the configuration */
export function readNotes(path: string): string[] {
  const [text] = readFile(`${path}.notes`, NOTES_BYTES_MAX);
  const notes: string[] = [];
  for (const [line] of string.gmatch(text ?? "", "[^\n]+")) notes.push(line);
  return notes;
}
