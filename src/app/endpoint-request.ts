// SPDX-License-Identifier: GPL-2.0-only
// What the endpoint's control socket can be asked.

import type { EndpointState } from "./endpoint-state";
import { tunnelReport, tunnelsReport } from "./report/tunnel-report";
import { type Answers, answerWith, quoteAll, refusal } from "./request-line";

const ANSWERS: Answers<EndpointState> = {
  tunnels: (state) => tunnelsReport(state),
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
