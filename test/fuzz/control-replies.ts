// SPDX-License-Identifier: GPL-2.0-only
// What must hold of a control socket, whose ever: whatever line comes, one line of JSON goes back, of a bounded length.

import { REPLY_BYTES_MAX } from "../../src/app/control-server";
import { json } from "../bench/json";
import { textOf } from "./input";
import { changeJson } from "./json-mutation";
import { demand, type Reached, type Target } from "./target";

/** How much of a reply tells which it is. */
const REPLY_KIND_BYTES = 24;
const PROBLEM_KIND_BYTES = 40;

/** Requests that are good, and words and values to put into them. */
export interface Requests {
  readonly seeds: readonly string[];
  readonly words: readonly string[];
  readonly values: readonly string[];
}

function checkReply(reply: string, reached: Reached): void {
  demand(string.find(reply, "\n", 1, true)[0] === undefined, "a reply of several lines");
  demand(string.len(reply) < REPLY_BYTES_MAX, "a reply that no client reads");
  const [isJson, document] = pcall(json.decode, reply);
  demand(isJson && type(document) === "table", `a reply that is not JSON: ${reply}`);
  const { error: problem } = document as { error?: string };
  const kind =
    problem === undefined
      ? string.sub(reply, 1, REPLY_KIND_BYTES)
      : string.sub(string.gsub(problem, "%d+", "#")[0], 1, PROBLEM_KIND_BYTES);
  reached.note(kind);
}

/** The target of a role's control socket. @param answer gives the reply to a request line, without its newline */
export function controlTarget(
  name: string,
  explanation: string,
  { seeds, words, values }: Requests,
  answer: (this: void, line: string) => string,
): Target {
  return {
    name,
    explanation,
    seeds: () => seeds,
    tokens: [...words, ...values, '{"', '":', "null", "-1", "1e9", "0.5", "[[", "\\ud800", "\\u0000"],
    repair: (mutation, random) => {
      changeJson(mutation, seeds[random.below(seeds.length)], words, random);
    },
    execute: (input, reached) => {
      checkReply(answer(textOf(input)), reached);
    },
  };
}
