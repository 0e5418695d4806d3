// SPDX-License-Identifier: GPL-2.0-only
// What the router's control socket can be asked.

import { readPage } from "./page";
import { type Answers, answerWith, quoteAll, refusal } from "./request-line";
import { countersReport } from "./report/decision-report";
import { explainReport, SUBJECT_ACCEPTED } from "./report/explain-report";
import { healthReport } from "./report/health-report";
import { statusReport } from "./report/status-report";
import { TABLE_NAMES, type TableName, tableReport } from "./report/table-report";
import type { RouterState } from "./router-state";

const PAGE_ITEMS = { standard: 200, most: 1000 };

const ANSWERS: Answers<RouterState> = {
  status: (state) => statusReport(state),
  table: (state, request) => {
    const name = TABLE_NAMES.find((one) => one === request.table);
    const page = readPage(request, PAGE_ITEMS);
    if (name === undefined) return refusal(`table: use ${quoteAll(TABLE_NAMES)}`);
    return typeof page === "string" ? refusal(page) : tableReport(state, name, page);
  },
  explain: (state, request) => {
    const subject = request.subject;
    if (subject === undefined) return explainReport(state, undefined);
    const report = type(subject) === "string" ? explainReport(state, subject as string) : undefined;
    return report ?? refusal(`subject: use ${SUBJECT_ACCEPTED}, or leave it out`);
  },
  health: (state) => healthReport(state),
  counters: (state) => ({ counters: countersReport(state) }),
  configuration: (state) => state.config.effective,
  log: (state) => ({ lines: state.logTail() }),
};

/** The reply to a request, without its newline. */
export function answerLine(state: RouterState, line: string): string {
  return answerWith(ANSWERS, state, line);
}

export type { TableName };
