// SPDX-License-Identifier: GPL-2.0-only
// One request of the control socket and its reply: a line of JSON each. Whatever the request is, there is a reply.

import { readJson, writeJson } from "./json";
import { nearestName } from "./nearest-name";
import { countersReport } from "./report/decision-report";
import { explainReport, SUBJECT_ACCEPTED } from "./report/explain-report";
import { statusReport } from "./report/status-report";
import { type Page, TABLE_NAMES, type TableName, tableReport } from "./report/table-report";
import type { RouterState } from "./router-state";

/** {"command": "table", "table": "esp", "offset": 0, "limit": 200}; {"command": "explain", "subject": "192.0.2.1"} */
type Request = Readonly<Record<string, unknown>>;
type Answer = (this: void, state: RouterState, request: Request) => unknown;

const PAGE_ITEMS = 200;
const PAGE_ITEMS_MAX = 1000;

const ANSWERS: Readonly<Record<string, Answer>> = {
  status: (state) => statusReport(state),
  table: (state, request) => {
    const name = TABLE_NAMES.find((one) => one === request.table);
    const page = pageOf(request);
    if (name === undefined) return refusal(`table: use ${quoteAll(TABLE_NAMES)}`);
    return typeof page === "string" ? refusal(page) : tableReport(state, name, page);
  },
  explain: (state, request) => {
    const subject = request.subject;
    if (subject === undefined) return explainReport(state, undefined);
    const report = type(subject) === "string" ? explainReport(state, subject as string) : undefined;
    return report ?? refusal(`subject: use ${SUBJECT_ACCEPTED}, or leave it out`);
  },
  counters: (state) => ({ counters: countersReport(state) }),
  configuration: (state) => state.config.effective,
  log: (state) => ({ lines: state.logTail() }),
};

function refusal(text: string): { error: string } {
  return { error: text };
}

function quoteAll(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return type(value) === "number" && Math.floor(value as number) === value && value >= least && value <= most;
}

/** The page asked for, or what is wrong with it. */
function pageOf(request: Request): Page | string {
  const offset = request.offset ?? 0;
  const limit = request.limit ?? PAGE_ITEMS;
  if (!isWhole(offset, 0, 1e9)) return "offset: use a whole number from 0";
  if (!isWhole(limit, 1, PAGE_ITEMS_MAX)) return `limit: use a whole number from 1 to ${PAGE_ITEMS_MAX}`;
  return { offset, limit };
}

function replyTo(state: RouterState, line: string): unknown {
  const [request, problem] = readJson(line);
  if (problem !== undefined) return refusal(`not JSON: ${problem}`);
  const command = type(request) === "table" ? (request as Request).command : undefined;
  const names = Object.keys(ANSWERS).sort((one, other) => (one < other ? -1 : 1));
  if (type(command) !== "string") return refusal(`a request is {"command": NAME}; NAME is one of ${quoteAll(names)}`);
  const answer: Answer | undefined = ANSWERS[command as string];
  if (answer !== undefined) return answer(state, request as Request);
  const nearest = nearestName(command as string, names);
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  return refusal(`command: there is none of this name; use one of ${quoteAll(names)}${hint}`);
}

/** The reply to a request, without its newline. */
export function answerLine(state: RouterState, line: string): string {
  return writeJson(replyTo(state, line));
}

export type { TableName };
