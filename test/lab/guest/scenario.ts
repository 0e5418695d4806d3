// SPDX-License-Identifier: GPL-2.0-only
// What a scenario is, and how it says what it found.

import { nowMs } from "./clock";

/** A number that was measured. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** What it has to be, where there is such a limit: for example ">= 95". */
  readonly reach?: string;
}

/** Stands for "never" in results: JSON knows no infinity. */
const NEVER = 999_999;

/** A scenario's findings so far. Figures out of reach and failed checks make it not ok. */
export class Findings {
  public readonly figures: Record<string, Figure> = {};
  public readonly notes: string[] = [];
  /** Text for a person that is no finding, such as the router's own table. */
  public readonly exhibits: string[] = [];
  /** What happened when, a text for each run. */
  public readonly timeLines: string[] = [];
  public failures = 0;

  /** Tells the person who waits what happens now. */
  public progress(text: string): void {
    io.write(string.format("@ [%5.1f s] %s\n", nowMs() / 1000, text));
    io.stdout.flush();
  }

  /** Records a number that is only reported. */
  public figure(name: string, value: number, unit: string): void {
    this.figures[name] = { value: math.min(value, NEVER), unit };
  }

  /** Records a number that has to be at least `least`. */
  public atLeast(name: string, value: number, unit: string, least: number): void {
    this.figures[name] = { value, unit, reach: `>= ${least}` };
    if (!(value >= least)) this.fail(`${name} is ${value} ${unit}, which should be at least ${least}.`);
  }

  /** Records a number that may be at most `most`. */
  public atMost(name: string, value: number, unit: string, most: number): void {
    this.figures[name] = { value: math.min(value, NEVER), unit, reach: `<= ${most}` };
    if (!(value <= most)) this.fail(`${name} is ${value} ${unit}, which should be at most ${most}.`);
  }

  public note(text: string): void {
    this.notes.push(text);
  }

  /** Demands something that is no number. */
  public check(holds: boolean, failure: string): void {
    if (!holds) this.fail(failure);
  }

  public fail(why: string): void {
    this.failures += 1;
    this.notes.push(`FAILED: ${why}`);
  }

  public exhibit(text: string): void {
    this.exhibits.push(text);
  }

  public timeLine(text: string): void {
    this.timeLines.push(text);
  }
}

/** One experiment: it builds its network, does something to it, and records what came of it. */
export interface Scenario {
  readonly name: string;
  /** One or two sentences for `npm run lab -- --list`. */
  readonly explanation: string;
  /** Whether its router may be a board: it does to the router only what can be done to one. */
  readonly isForBoards?: true | undefined;
  readonly run: (findings: Findings) => void;
}
