// SPDX-License-Identifier: GPL-2.0-only
// One request of a control socket and its reply: a line of JSON each. Whatever the request is, there is a reply.

import { readJson, writeJson } from "./json";
import { nearestName } from "./nearest-name";

/** {"command": "table", "table": "esp", "offset": 0, "limit": 200}; {"command": "explain", "subject": "192.0.2.1"} */
export type Request = Readonly<Record<string, unknown>>;

/** What each command is answered by, given the state of the program. */
export type Answers<State> = Readonly<Record<string, (this: void, state: State, request: Request) => unknown>>;

export function refusal(text: string): { error: string } {
  return { error: text };
}

export function quoteAll(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function replyTo<State>(answers: Answers<State>, state: State, line: string): unknown {
  const [request, problem] = readJson(line);
  if (problem !== undefined) return refusal(`not JSON: ${problem}`);
  const command = type(request) === "table" ? (request as Request).command : undefined;
  const names = Object.keys(answers).sort((one, other) => (one < other ? -1 : 1));
  if (type(command) !== "string") return refusal(`a request is {"command": NAME}; NAME is one of ${quoteAll(names)}`);
  if (names.includes(command as string)) return answers[command as string](state, request as Request);
  const nearest = nearestName(command as string, names);
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  return refusal(`command: there is none of this name; use one of ${quoteAll(names)}${hint}`);
}

/** The reply to a request line, without its newline. */
export function answerWith<State>(answers: Answers<State>, state: State, line: string): string {
  return writeJson(replyTo(answers, state, line));
}
