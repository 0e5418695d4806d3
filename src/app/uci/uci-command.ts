// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq uci ROLE`: makes the JSON document of a role from OpenWrt's configuration, for its init script and for people.
//
// A document that is not good is never written, so that the last good one stays where it is.

import { runProgram } from "../../system/child-process";
import { readFile, replaceFile } from "../../system/files";
import { fail, type Outcome, succeed } from "../../system/outcome";
import { writeJson } from "../json";
import { firewallAdvice } from "./firewall-advice";
import { type InterfaceDump, readInterfaceDump } from "./logical-interface";
import { readRole, type UciResult, type UciRole } from "./uci-document";
import { readUciFile, type UciSection } from "./uci-file";

export interface UciArguments {
  readonly role: UciRole;
  /** Where the files of UCI lie. */
  readonly directory: string;
  /** Where the document is written to; undefined: to standard output. */
  readonly output?: string;
}

/** The exit status by the kind of result: the init script tells them apart. */
const EXIT_STATUS: Readonly<Record<UciResult["kind"], number>> = { good: 0, wrong: 1, off: 3, waiting: 4 };

/** A firewall with hundreds of rules has about 50 kB. */
const FILE_BYTES_MAX = 256 * 1024;
/** A dump takes 2 kB for each logical interface. */
const DUMP_BYTES_MAX = 256 * 1024;
/** netifd answers at once, unless the board is busy booting. */
const UBUS_TIMEOUT_MS = 5000;
/** Only root reads which peers there are. */
const FILE_MODE = 0o600;

/** @returns the exit status: 0 good, 1 wrong, 3 the role is off, 4 an interface is not up. */
export function runUci({ role, directory, output }: UciArguments): number {
  const [sections, unread] = readSections(directory, "vpnmasq");
  const result: UciResult =
    sections === undefined
      ? { kind: "wrong", problems: [unread] }
      : readRole(role, sections, role === "router" ? askNetifd() : undefined);
  if (result.kind === "wrong") say(result.problems);
  if (result.kind === "waiting") say([`${role}: ${result.reason}; waiting for it`]);
  if (result.kind !== "good") return EXIT_STATUS[result.kind];
  if (role === "router") adviseOnFirewall(directory, result.document.scope);
  return deliver(result.document, result.fingerprint, output);
}

function deliver(document: object, fingerprint: string, output: string | undefined): number {
  const text = `${writeJson(document)}\n`;
  if (output === undefined) {
    io.stdout.write(text);
    return EXIT_STATUS.good;
  }
  const [done, problem] = replaceFile(output, text, { sync: false, mode: FILE_MODE });
  if (done === undefined) {
    say([problem]);
    return EXIT_STATUS.wrong;
  }
  io.stdout.write(`${fingerprint}\n`);
  return EXIT_STATUS.good;
}

/** One line a sentence: the init script makes a message of the log from each. */
function say(sentences: readonly string[]): void {
  for (const sentence of sentences) io.stderr.write(`${sentence}\n`);
}

function readSections(directory: string, name: string): Outcome<UciSection[]> {
  const path = `${directory}/${name}`;
  const [text, unread] = readFile(path, FILE_BYTES_MAX);
  if (text === undefined) return fail(unread);
  const [sections, problem] = readUciFile(text);
  return sections === undefined ? fail(`${path}: ${problem}`) : succeed(sections);
}

/** Without a firewall's configuration there is nothing to say. */
function adviseOnFirewall(directory: string, scope: unknown): void {
  const [sections] = readSections(directory, "firewall");
  if (sections !== undefined) say(firewallAdvice(sections, scope));
}

function askNetifd(): InterfaceDump | undefined {
  const [result] = runProgram(["ubus", "call", "network.interface", "dump"], {
    timeoutMs: UBUS_TIMEOUT_MS,
    outputBytesMax: DUMP_BYTES_MAX,
  });
  return result?.status === 0 ? readInterfaceDump(result.output) : undefined;
}
