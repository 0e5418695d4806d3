// SPDX-License-Identifier: GPL-2.0-only
// Orders to the program that runs this guest, for what the guest cannot do: it has the switches of what is outside.
//
// An order is a line on the guest's console; the answer is a file in the folder that both see.

import { waitUntil } from "./clock";
import { json } from "./json";
import { readText } from "./shell";

/** A board that is told to do something may have to start first: that takes a busy machine a minute. */
const ANSWER_TIMEOUT_MS = 150_000;

interface Answer {
  readonly ok: boolean;
  readonly text: string;
}

let count = 0;

/** Has something done, and waits until it is. @returns what came of it; ends the scenario when it failed */
export function orderHost(order: string, details: Readonly<Record<string, unknown>> = {}): string {
  count += 1;
  const name = `answer-${count}.json`;
  const file = `/lab/run/${name}`;
  io.write(`! ${json.encode({ order, answerFile: name, ...details })}\n`);
  io.stdout.flush();
  const isAnswered = waitUntil(() => readText(file) !== "", ANSWER_TIMEOUT_MS);
  if (!isAnswered) error(`"${order}" was not answered within ${ANSWER_TIMEOUT_MS / 1000} s`, 0);
  const { ok, text } = json.decode(readText(file)) as Answer;
  if (!ok) error(`"${order}" failed: ${text}`, 0);
  return text;
}
