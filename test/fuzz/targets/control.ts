// SPDX-License-Identifier: GPL-2.0-only
// The control socket: whatever line comes, one line of JSON goes back.

import { answerLine } from "../../../src/app/control-request";
import { REPLY_BYTES_MAX } from "../../../src/app/control-server";
import { json } from "../../bench/json";
import { routerWithWaitingClient } from "../../spec/app/sample-router";
import { textOf } from "../input";
import { changeJson } from "../json-mutation";
import { demand, type Target } from "../target";

const SEEDS = [
  '{"command":"status"}',
  '{"command":"table","table":"esp","offset":0,"limit":200}',
  '{"command":"table","table":"ike","limit":1}',
  '{"command":"explain","subject":"192.168.1.10"}',
  '{"command":"explain","subject":"0x00001001"}',
  '{"command":"health"}',
  '{"command":"counters"}',
  '{"command":"configuration"}',
  '{"command":"log"}',
];
const WORDS = ["command", "table", "offset", "limit", "subject"];
const VALUES = ['"esp"', '"ike"', '"flows"', '"table"', '"explain"', '"esp-waiting"', '"0x1001"', '"198.51.100.1"'];

const router = routerWithWaitingClient();

export const control: Target = {
  name: "control",
  explanation: "Requests on the control socket: each has one reply, a line of JSON of a bounded length.",
  seeds: () => SEEDS,
  tokens: [...WORDS, ...VALUES, '{"', '":', "null", "-1", "1e9", "0.5", "[[", "\\ud800", "\\u0000"],
  repair: (mutation, random) => {
    changeJson(mutation, SEEDS[random.below(SEEDS.length)], WORDS, random);
  },
  execute: (input, reached) => {
    const reply = answerLine(router, textOf(input));
    demand(string.find(reply, "\n", 1, true)[0] === undefined, "a reply of several lines");
    demand(string.len(reply) < REPLY_BYTES_MAX, "a reply that no client reads");
    const [isJson, document] = pcall(json.decode, reply);
    demand(isJson && type(document) === "table", `a reply that is not JSON: ${reply}`);
    const { error: problem } = document as { error?: string };
    reached.note(
      problem === undefined ? string.sub(reply, 1, 24) : string.sub(string.gsub(problem, "%d+", "#")[0], 1, 40),
    );
  },
};
