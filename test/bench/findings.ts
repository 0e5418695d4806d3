// SPDX-License-Identifier: GPL-2.0-only
// What a measurement found: figures, each with what it is to be, and what a person must know to read them.
//
// Two kinds of aims. A bound holds on every machine and at any load (bytes, counts): past it, the run has failed. A
// reach depends on the machine and on what else it does (times, speeds): it is reported as met or short, no more.

/** A number that was measured. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** What it is to be, for example "<= 200". */
  readonly reach?: string;
}

export class Findings {
  readonly figures: Record<string, Figure> = {};
  readonly notes: string[] = [];
  failures = 0;

  /** Records a number, with its reach if it has one. */
  figure(name: string, value: number, unit: string, reach?: string): void {
    this.figures[name] = reach === undefined ? { value, unit } : { value, unit, reach };
  }

  /** Records a number that must not be above `most`. */
  bound(name: string, value: number, unit: string, most: number): void {
    this.figure(name, value, unit, `<= ${most}`);
    if (!(value <= most)) this.fail(`${name} is ${value} ${unit}; it must not be above ${most}.`);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  fail(why: string): void {
    this.failures += 1;
    this.notes.push(`FAILED: ${why}`);
  }
}

/** One subject: it makes what it needs, measures it and records what came of it. */
export interface Measurement {
  readonly name: string;
  /** One or two sentences for `npm run bench -- --list`. */
  readonly explanation: string;
  readonly run: (findings: Findings) => void;
}
