// SPDX-License-Identifier: GPL-2.0-only
// Asking the running router or endpoint, and telling a person why it does not answer.

import { fail, type Outcome, succeed } from "../system/outcome";
import { askServer } from "../system/unix-socket";
import { REPLY_BYTES_MAX } from "./control-server";
import { readJson, writeJson } from "./json";

const TIMEOUT_MS = 3000;

export type Role = "router" | "endpoint";

/** The problem when no program has the socket: none runs, or another socket is its own. */
export function nobodyAnswers(role: Role, path: string): string {
  return `no vpnmasq ${role} answers at ${path}: is it running? (--control names another socket)`;
}

function readableProblem(role: Role, path: string, problem: string): string {
  const says = (text: string): boolean => string.find(problem, text, 1, true)[0] !== undefined;
  if (says("No such file") || says("Connection refused")) {
    return nobodyAnswers(role, path);
  }
  if (says("Permission denied")) return `${path}: permission denied: only root may ask the ${role}`;
  return problem;
}

/** The reply to a request; the program's own refusals are problems too. */
export function ask<Reply>(role: Role, path: string, request: object, timeoutMs = TIMEOUT_MS): Outcome<Reply> {
  const options = { timeoutMs, replyBytesMax: REPLY_BYTES_MAX };
  const [line, problem] = askServer(path, writeJson(request), options);
  if (line === undefined) return fail(readableProblem(role, path, problem));
  const [reply, jsonProblem] = readJson(line);
  if (jsonProblem !== undefined) return fail(`${path}: the reply is not JSON: ${jsonProblem}`);
  const refusal = (reply as { error?: string }).error;
  if (refusal !== undefined) return fail(refusal);
  return succeed(reply as Reply);
}

export function askRouter<Reply>(path: string, request: object, timeoutMs = TIMEOUT_MS): Outcome<Reply> {
  return ask<Reply>("router", path, request, timeoutMs);
}
