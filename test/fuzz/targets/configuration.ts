// SPDX-License-Identifier: GPL-2.0-only
// Configuration documents of router and endpoint: whatever stands in them, there is a configuration or a list of
// problems, and each problem names what it is about and can be printed.

import { readConfiguration } from "../../../src/app/configuration";
import { CONFIGURATION_KEYS } from "../../../src/app/configuration-keys";
import { parseDocument } from "../../../src/app/document";
import { isEndpointDocument, readEndpointConfiguration } from "../../../src/app/endpoint-configuration";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../../../src/app/endpoint-keys";
import { textOf } from "../input";
import { changeJson } from "../json-mutation";
import { demandPrintable, kindOfSentence } from "../printable";
import { demand, type Reached, type Target } from "../target";

const KEYS = [...CONFIGURATION_KEYS, ...ENDPOINT_KEYS, ...TUNNEL_KEYS].map(({ key }) => key);
const ROUTER = '{"lan":"br-lan","wan":"eth1","limits":{"esp_outstanding_ms":4000},"own_ports":{"tcp":[22]}}';
const ENDPOINT =
  '{"role":"client","tunnels":[{"name":"office","daemon":"libreswan","connection":"office",' +
  '"ping_source":"192.0.2.1","ping_target":"192.0.2.2"}],"timers":{"keylife_s":3600}}';
const SEEDS = [ROUTER, ENDPOINT, '{"lan":"a","wan":"a"}', "{}", "[1]"];
/** A problem is one of these, or names a key. */
const WITHOUT_KEY = ["not JSON: ", "not an object"];
/** Names of one part, for objects inside the document. */
const NAMES = KEYS.map((key) => string.match(key, "([%w_]+)$")[0]);
const GROUPS = ["limits", "timers", "network", "own_ports", "tunnels"];

function names(problem: string): boolean {
  if (WITHOUT_KEY.some((start) => problem.startsWith(start))) return true;
  // Inequalities between timers are in the terms of the draft, whose names the keys have.
  if (problem.includes(" does not hold: ")) return true;
  if (KEYS.some((key) => problem.includes(key)) || GROUPS.some((group) => problem.startsWith(group))) return true;
  // Names that the document has and the table has not, cut when long.
  return string.match(problem, "^.+: there is no such key; ")[0] !== undefined || problem.endsWith(": given twice");
}

function check(problems: readonly string[], reached: Reached): void {
  demand(problems.length > 0, "refused without a problem");
  demandPrintable(problems);
  for (const problem of problems) {
    demand(names(problem), `a problem that names no key: ${problem}`);
    reached.note(kindOfSentence(problem));
  }
}

export const configuration: Target = {
  name: "configuration",
  explanation: "Configuration documents: read, or refused with problems that name a key and can be printed.",
  seeds: () => SEEDS,
  tokens: [...KEYS, '{"', '":', '",', "null", "true", "[]", "{}", '"limits":{', "1e400", "\\u0000", "\\ud800"],
  repair: (mutation, random) => {
    changeJson(mutation, random.below(2) === 0 ? ROUTER : ENDPOINT, [...NAMES, ...GROUPS], random);
  },
  execute: (input, reached) => {
    const [document, unreadable] = parseDocument(textOf(input));
    if (document === undefined) {
      check(unreadable, reached);
      return;
    }
    const isEndpoint = isEndpointDocument(document);
    const [read, problems] = isEndpoint ? readEndpointConfiguration(document) : readConfiguration(document);
    if (read === undefined) check(problems, reached);
    else reached.note(isEndpoint ? "endpoint" : "router");
  },
};
