// SPDX-License-Identifier: GPL-2.0-only
// Runs a program that is expected to succeed, and says what it said when it does not.

import { spawn } from "node:child_process";
import { Refusal } from "./refusal.js";

/** Of a failed program's words: some tell why first and go on with their usage, others tell why last. */
const SHOWN_LINES_FIRST = 5;
const SHOWN_LINES_LAST = 10;

function shortened(text: string): string {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= SHOWN_LINES_FIRST + SHOWN_LINES_LAST) return lines.join("\n");
  return [...lines.slice(0, SHOWN_LINES_FIRST), "...", ...lines.slice(-SHOWN_LINES_LAST)].join("\n");
}

export interface ProgramOptions {
  readonly folder?: string;
  /** What it reads on standard input. */
  readonly input?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Runs it to its end.
 * @returns its standard output
 * @throws Refusal with its last lines when it cannot be started or fails
 */
export function runProgram(
  program: string,
  words: readonly string[],
  { folder = ".", input = "", environment = process.env }: ProgramOptions = {},
): Promise<string> {
  const child = spawn(program, words, { cwd: folder, env: environment, stdio: "pipe" });
  let output = "";
  let complaints = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  child.stdin.on("error", () => undefined); // it ended without reading: its status says whether that was right
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", (problem) => {
      reject(new Refusal(`${program} could not be started (${problem.message}). Is its Debian package installed?`));
    });
    child.once("close", (status, signal) => {
      if (status === 0) resolve(output);
      const said = shortened(`${complaints}${output}`);
      reject(new Refusal(`${program} failed (${signal ?? `status ${String(status)}`}):\n${said}`));
    });
  });
}
