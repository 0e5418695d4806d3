// SPDX-License-Identifier: GPL-2.0-only
// A broken promise for a person: what, where, and the diagram of how it came.

import type { Scenario } from "./plan";
import type { Violation } from "./promises";
import { Site } from "./site";
import { diagram, Trace } from "./trace";

/** Lines of a diagram: three screens. */
const LINES_MAX = 120;

export interface Told {
  readonly violation: Violation | undefined;
  readonly text: string;
}

/** Runs the scenario once more and tells of it. */
export function tell(scenario: Scenario): Told {
  const trace = new Trace();
  const { violation } = new Site(scenario, 1, trace).run();
  const numbers = scenario.clients.map(({ number }) => number);
  const shown = violation?.client === undefined ? numbers : [violation.client];
  return { violation, text: diagram(trace.entries, shown, LINES_MAX) };
}
