// SPDX-License-Identifier: GPL-2.0-only
// Runs a program of a plan: within its time, fed from a file if it reads one, with what it said and its status.

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Answer, Input } from "./plan.js";
import { MEGABYTES, startProgress } from "../progress.js";

/** Of what a program says: its complaint stands at the end. */
const OUTPUT_CHARACTERS_MAX = 64 * 1024;
/** As timeout(1) ends. */
const STATUS_LATE = 124;
/** As the shell has it for a program that there is not. */
const STATUS_MISSING = 127;

/** Feeds a file to the program. That the program ends before it has read all is seen from its status. */
async function feed(child: ChildProcess, input: Input): Promise<void> {
  const progress = startProgress(input.bytes, MEGABYTES);
  let bytes = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      progress.show(bytes);
      done(undefined, chunk);
    },
  });
  const source = fs.createReadStream(input.file);
  const { stdin } = child;
  if (stdin === null) return;
  try {
    await (input.isPacked ? pipeline(source, createGunzip(), count, stdin) : pipeline(source, count, stdin));
  } catch (problem) {
    const { code } = problem as NodeJS.ErrnoException;
    if (code !== "EPIPE" && code !== "ERR_STREAM_PREMATURE_CLOSE") throw problem;
  } finally {
    progress.end();
  }
}

/** Runs the program; never throws for what it does. */
export async function runProgram(
  words: readonly string[],
  limitMs: number,
  signal: AbortSignal,
  input?: Input,
): Promise<Answer> {
  const [program = "", ...others] = words;
  const child = spawn(program, others, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"], signal });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream
      ?.setEncoding("utf8")
      .on("data", (text: string) => (output = (output + text.replaceAll("\r", "")).slice(-OUTPUT_CHARACTERS_MAX)));
  }
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, limitMs);
  const ending = new Promise<number>((resolve) => {
    child.once("error", (problem: NodeJS.ErrnoException) => {
      if (problem.code === "ENOENT") output += `${program} is not installed`;
      resolve(STATUS_MISSING);
    });
    child.once("close", (status) => {
      resolve(status ?? STATUS_LATE);
    });
  });
  const [status] = await Promise.all([ending, input === undefined ? undefined : feed(child, input)]);
  clearTimeout(limit);
  if (isLate) output += `\nit did not end within ${String(limitMs / 1000)} s`;
  return { status: isLate ? STATUS_LATE : status, output };
}

/** Starts a program that runs until it is ended. @returns what ends it */
export function startService(words: readonly string[], onEnd: (why: string) => void): () => void {
  const [program = "", ...others] = words;
  const child = spawn(program, others, { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  let isWanted = true;
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  child.once("error", (problem) => {
    onEnd(`${program} could not be started: ${problem.message}`);
  });
  child.once("close", () => {
    if (isWanted) onEnd(`${program} ended: ${complaint.trim()}`);
  });
  const end = (): void => {
    isWanted = false;
    child.kill();
  };
  process.once("exit", end);
  return end;
}
