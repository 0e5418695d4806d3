// SPDX-License-Identifier: GPL-2.0-only
// The one shape in which the project's own commands that judge or measure print their result with --json.

/** A number that was measured. Names of figures are stable; docs/ lists them. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** What the value is to be, where there is such an aim: for example ">= 95". */
  readonly reach?: string;
}

/** What a command found. Its exit status is non-zero exactly when `ok` is false. */
export interface ResultDocument {
  readonly name: string;
  readonly ok: boolean;
  readonly figures: Readonly<Record<string, Figure>>;
  /** Sentences for a person: what was expected, what failed, what could not be measured. */
  readonly notes: readonly string[];
}
