// SPDX-License-Identifier: GPL-2.0-only
// What the endpoint's control socket can be asked.

import type { EndpointState } from "./endpoint-state";
import { tunnelReport, tunnelsReport } from "./report/tunnel-report";
import { readPage } from "./page";
import { type Answers, answerWith, quoteAll, refusal } from "./request-line";

/** A tunnel takes some 700 bytes with its epochs. */
const PAGE_TUNNELS = { standard: 200, most: 1000 };

const ANSWERS: Answers<EndpointState> = {
  tunnels: (state, request) => {
    const page = readPage(request, PAGE_TUNNELS);
    return typeof page === "string" ? refusal(page) : tunnelsReport(state, page);
  },
  explain: (state, { subject }) => {
    const report = type(subject) === "string" ? tunnelReport(state, subject as string) : undefined;
    const names = state.config.tunnels.map(({ name }) => name);
    return report ?? refusal(`there is no tunnel of this name; use one of ${quoteAll(names)}`);
  },
  configuration: (state) => state.config.effective,
  log: (state) => ({ lines: state.logTail() }),
};

/** The reply to a request, without its newline. */
export function answerEndpointLine(state: EndpointState, line: string): string {
  return answerWith(ANSWERS, state, line);
}
